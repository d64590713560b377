// Arithmetic on maps and masks: no page, no state. Masks are Uint8Array of 0 and 1, row by row.

const decodeBytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
const decodeMap = (map) => ({ ...map, values: new Float32Array(decodeBytes(map.data).buffer) });

// Adds weight * map, resized bilinearly as the library does (corners not aligned), onto `total`.
function addResized(total, width, height, map, weight) {
  const { w, h, values } = map, row = new Float32Array(w);
  const left = new Int32Array(width), right = new Int32Array(width), share = new Float32Array(width);
  for (let x = 0; x < width; x++) {
    const at = Math.max(0, ((x + 0.5) * w) / width - 0.5);
    left[x] = Math.min(w - 1, Math.floor(at));
    right[x] = Math.min(w - 1, left[x] + 1);
    share[x] = at - left[x];
  }
  for (let y = 0; y < height; y++) {
    const at = Math.max(0, ((y + 0.5) * h) / height - 0.5), top = Math.min(h - 1, Math.floor(at));
    const bottom = Math.min(h - 1, top + 1), part = at - top;
    for (let x = 0; x < w; x++)
      row[x] = weight * (values[top * w + x] * (1 - part) + values[bottom * w + x] * part);
    for (let x = 0, i = y * width; x < width; x++, i++)
      total[i] += row[left[x]] * (1 - share[x]) + row[right[x]] * share[x];
  }
}

// Weighted mean of the scales that are on, at image size. Scales of one size are summed first.
function fuse(scales, on, width, height) {
  const whole = scales.reduce((sum, s, i) => sum + (on[i] ? s.weight : 0), 0) || 1;
  const sums = new Map();
  scales.forEach((scale, i) => {
    if (!on[i]) return;
    const key = `${scale.map.w}x${scale.map.h}`;
    if (!sums.has(key)) sums.set(key, { ...scale.map, values: new Float32Array(scale.map.values.length) });
    const sum = sums.get(key).values, share = scale.weight / whole;
    for (let k = 0; k < sum.length; k++) sum[k] += share * scale.map.values[k];
  });
  const total = new Float32Array(width * height);
  for (const map of sums.values()) addResized(total, width, height, map, 1);
  return total;
}

function peakOf(map, zone) {
  let best = -Infinity, at = -1;
  for (let i = 0; i < map.length; i++) if (map[i] > best && !zone[i]) { best = map[i]; at = i; }
  return { score: best, at };
}

// Connected regions, found run by run; `reach` 1 joins diagonal neighbours, 0 does not.
function findRegions(mask, width, height, map, reach = 1) {
  const starts = [], ends = [], first = new Int32Array(height + 1).fill(-1), parent = [];
  const root = (k) => { while (parent[k] !== k) k = parent[k] = parent[parent[k]]; return k; };
  let above = 0, aboveStop = 0, row = -1, rowFirst = 0;
  for (let at = mask.indexOf(1); at >= 0; ) {
    const y = Math.floor(at / width), stop = (y + 1) * width;
    if (y !== row) {
      [above, aboveStop] = y === row + 1 && row >= 0 ? [rowFirst, starts.length] : [0, 0];
      row = y;
      rowFirst = first[y] = starts.length;
    }
    let end = mask.indexOf(0, at);
    if (end < 0 || end > stop) end = stop;
    const k = starts.length;
    starts.push(at); ends.push(end); parent.push(k);
    while (above < aboveStop && ends[above] + width + reach <= at) above++;
    for (let j = above; j < aboveStop && starts[j] + width < end + reach; j++) {
      const a = root(j), b = root(k);
      if (a !== b) parent[Math.max(a, b)] = Math.min(a, b);
    }
    at = end < mask.length ? mask.indexOf(1, end) : -1;
  }
  const regions = [], of = new Int32Array(starts.length), index = new Map();
  for (let k = 0; k < starts.length; k++) {
    const r = root(k), y = Math.floor(starts[k] / width), x0 = starts[k] - y * width, n = ends[k] - starts[k];
    if (!index.has(r)) {
      index.set(r, regions.length);
      regions.push({ area: 0, left: width, top: y, right: 0, bottom: y, sx: 0, sy: 0, sum: 0, peak: -Infinity, at: starts[k] });
    }
    const region = regions[(of[k] = index.get(r))];
    region.area += n; region.bottom = y + 1;
    region.left = Math.min(region.left, x0); region.right = Math.max(region.right, x0 + n);
    region.sx += n * (x0 + (n - 1) / 2); region.sy += n * y;
    if (map) for (let i = starts[k]; i < ends[k]; i++) {
      region.sum += map[i];
      if (map[i] > region.peak) { region.peak = map[i]; region.at = i; }
    }
  }
  return { regions, starts, ends, of, width };
}

function regionAt(found, index) {
  let low = 0, high = found.starts.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    if (found.ends[middle] <= index) low = middle + 1;
    else if (found.starts[middle] > index) high = middle - 1;
    else return found.of[middle];
  }
  return -1;
}

function eachPixel(found, region, visit) {
  for (let k = 0; k < found.starts.length; k++)
    if (found.of[k] === region) for (let i = found.starts[k]; i < found.ends[k]; i++) visit(i);
}

// What the model proposes: above the threshold, holes filled and small regions left out if asked.
// Returns how many pixels that are.
function propose(map, threshold, width, height, least, fill, out) {
  const level = Math.fround(threshold), length = out.length;
  let area = 0;
  for (let i = 0; i < length; i++) { const above = map[i] > level ? 1 : 0; out[i] = above; area += above; }
  if (fill) {
    const ground = out.map((v) => 1 - v), found = findRegions(ground, width, height, null, 0);
    found.regions.forEach((r, k) => {
      if (r.left > 0 && r.top > 0 && r.right < width && r.bottom < height) eachPixel(found, k, (i) => { out[i] = 1; });
    });
  }
  if (least > 1) {
    const found = findRegions(out, width, height, null), small = found.regions.map((r) => r.area < least);
    for (let k = 0; k < found.starts.length; k++)
      if (small[found.of[k]]) out.fill(0, found.starts[k], found.ends[k]);
  }
  return fill || least > 1 ? count(out) : area;
}

function count(mask) {
  const length = mask.length;
  let area = 0;
  for (let i = 0; i < length; i++) area += mask[i];
  return area;
}

// The rows that a layer has anything in, over the whole width.
function rowsOf(layers, width, height) {
  let first = Infinity, last = -1;
  for (const layer of layers)
    for (const value of [1, 2]) {
      const at = layer.indexOf(value);
      if (at >= 0) { first = Math.min(first, at); last = Math.max(last, layer.lastIndexOf(value)); }
    }
  if (last < 0) return null;
  return { left: 0, right: width, top: Math.floor(first / width), bottom: Math.floor(last / width) + 1 };
}

// Run lengths, row by row, zeros first: what is sent to the server and kept there.
function encodeRuns(mask, value = 1) {
  const runs = [];
  let at = 0, inside = false;
  while (at < mask.length) {
    let next = at;
    if (!inside) next = mask.indexOf(value, at);
    else while (next < mask.length && mask[next] === value) next++;
    if (next < 0) next = mask.length;
    runs.push(next - at);
    at = next; inside = !inside;
  }
  return runs;
}

function decodeRuns(runs, mask, value = 1) {
  let at = 0;
  runs.forEach((length, k) => { if (k % 2) mask.fill(value, at, at + length); at += length; });
  return mask;
}

// Calls `put(index)` for each pixel whose centre lies within `radius` of the segment: hard edges.
function eachInStroke(x0, y0, x1, y1, radius, width, height, put) {
  const left = Math.max(0, Math.floor(Math.min(x0, x1) - radius)), right = Math.min(width - 1, Math.ceil(Math.max(x0, x1) + radius));
  const top = Math.max(0, Math.floor(Math.min(y0, y1) - radius)), bottom = Math.min(height - 1, Math.ceil(Math.max(y0, y1) + radius));
  const dx = x1 - x0, dy = y1 - y0, length = dx * dx + dy * dy || 1, most = radius * radius;
  for (let y = top; y <= bottom; y++)
    for (let x = left; x <= right; x++) {
      const px = x + 0.5 - x0, py = y + 0.5 - y0;
      const along = Math.min(1, Math.max(0, (px * dx + py * dy) / length));
      const ex = px - along * dx, ey = py - along * dy;
      if (ex * ex + ey * ey <= most) put(y * width + x);
    }
  return { left, top, right: right + 1, bottom: bottom + 1 };
}
