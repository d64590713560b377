// The result canvas. Draws image, heat and mask; follows the threshold without the server.
// `element`, `props`, `watch` and `trigger` come from gr.HTML. Names reach the page as text only.
const $ = (selector) => element.querySelector(selector);
const ANCHORS = [[0, 0, 4], [60, 15, 90], [140, 41, 99], [212, 72, 66], [250, 140, 30], [252, 255, 164]];
const HEAT = Array.from({ length: 256 }, (_, i) => {
  const x = (i / 255) * 5, k = Math.min(4, Math.floor(x));
  return ANCHORS[k].map((v, c) => Math.trunc(v + (ANCHORS[k + 1][c] - v) * (x - k)));
});
let result = null, shown = null, picture = null, heated = null, level = 0, frame = 0, settle = 0, serial = 0;

const image = (url) => new Promise((done, fail) => {
  const img = new Image();
  img.onload = () => done(img);
  img.onerror = fail;
  img.src = url;
});

async function decode(map) {
  const img = await image(map.png);
  const canvas = new OffscreenCanvas(img.width, img.height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(img, 0, 0);
  const bytes = context.getImageData(0, 0, img.width, img.height).data;
  const code = new Uint16Array(img.width * img.height);
  for (let i = 0; i < code.length; i++) code[i] = bytes[4 * i] * 256 + bytes[4 * i + 1];
  return { code, width: img.width, height: img.height, low: map.low, high: map.high };
}

// Smallest code above a value: the mask is code >= cut.
const cut = (map, value) => Math.floor(((value - map.low) / Math.max(map.high - map.low, 1e-12)) * 65535) + 1;

function heatLayer(map) {
  const canvas = new OffscreenCanvas(map.width, map.height);
  const context = canvas.getContext("2d");
  const data = context.createImageData(map.width, map.height);
  const opacity = Number($(".opacity").value) / 100;
  const table = new Uint8ClampedArray(65536 * 4);
  const span = Math.max(result.high - result.low, 1e-12);
  for (let code = 0; code < 65536; code++) {
    const value = map.low + ((map.high - map.low) * code) / 65535;
    const level = Math.min(1, Math.max(0, (value - result.low) / span));
    const [r, g, b] = HEAT[Math.round(level * 255)];
    table.set([r, g, b, Math.round(255 * opacity * level)], 4 * code);
  }
  for (let i = 0; i < map.code.length; i++) {
    const from = 4 * map.code[i], to = 4 * i;
    data.data[to] = table[from]; data.data[to + 1] = table[from + 1];
    data.data[to + 2] = table[from + 2]; data.data[to + 3] = table[from + 3];
  }
  context.putImageData(data, 0, 0);
  return canvas;
}

function regions(inside, width, height) {
  const seen = new Uint8Array(inside.length), stack = new Int32Array(inside.length);
  let count = 0;
  for (let start = 0; start < inside.length; start++) {
    if (!inside[start] || seen[start]) continue;
    count++;
    let top = 0;
    stack[top++] = start; seen[start] = 1;
    while (top) {
      const at = stack[--top], x = at % width, y = (at - x) / width;
      for (let j = Math.max(0, y - 1); j <= Math.min(height - 1, y + 1); j++)
        for (let i = Math.max(0, x - 1); i <= Math.min(width - 1, x + 1); i++) {
          const next = j * width + i;
          if (inside[next] && !seen[next]) { seen[next] = 1; stack[top++] = next; }
        }
    }
  }
  return count;
}

// White outline with a dark rim, and thin hatching inside: not by colour alone. A pixel is at the
// edge when one `thick` away along an axis is on the other side.
function maskLayer(inside, columns, rows, zoom) {
  const width = columns * zoom, height = rows * zoom;
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d");
  const data = context.createImageData(width, height);
  const pixels = new Uint32Array(data.data.buffer);
  const box = $(".canvas").getBoundingClientRect();
  const thick = Math.max(1, Math.round((1.5 * width) / Math.max(1, box.width)));
  const reach = Math.ceil(thick / zoom);
  const at = (x, y) =>
    x >= 0 && y >= 0 && x < width && y < height ? inside[Math.floor(y / zoom) * columns + Math.floor(x / zoom)] : 0;
  const near = new Uint8Array(columns);
  for (let row = 0; row < rows; row++) {
    near.fill(0);
    let any = false;
    for (let j = Math.max(0, row - reach); j <= Math.min(rows - 1, row + reach); j++)
      for (let i = 0; i < columns; i++) if (inside[j * columns + i]) { near[i] = 1; any = true; }
    if (!any) continue;
    for (let column = 0; column < columns; column++) {
      let close = false;
      for (let i = Math.max(0, column - reach); i <= Math.min(columns - 1, column + reach); i++) close ||= near[i];
      if (!close) continue;
      for (let y = row * zoom; y < (row + 1) * zoom; y++)
        for (let x = column * zoom; x < (column + 1) * zoom; x++) {
          const here = at(x, y);
          let edge = false;
          for (let d = 1; d <= thick && !edge; d++)
            edge = here !== at(x - d, y) || here !== at(x + d, y) || here !== at(x, y - d) || here !== at(x, y + d);
          const index = y * width + x;
          if (here && edge) pixels[index] = 0xffffffff;
          else if (edge) pixels[index] = 0xc0000000;
          else if (here && (x + y) % (6 * thick) < thick) pixels[index] = 0x70ffffff;
        }
    }
  }
  context.putImageData(data, 0, 0);
  return canvas;
}

const percent = (share) => (share === 0 ? "0 %" : share < 0.001 ? "< 0.1 %" : `${(100 * share).toFixed(1)} %`);

function draw() {
  frame = 0;
  if (!result) return;
  const value = level, map = result.decoded, canvas = $(".canvas");
  // Small images are drawn enlarged, so that the outline stays thin.
  const zoom = Math.max(1, Math.min(6, Math.floor(900 / Math.max(map.width, map.height))));
  const width = map.width * zoom, height = map.height * zoom;
  const least = cut(map, value), inside = new Uint8Array(map.code.length);
  let area = 0;
  for (let i = 0; i < inside.length; i++) if (map.code[i] >= least) { inside[i] = 1; area++; }
  const count = regions(inside, map.width, map.height);
  if (canvas.width !== width || canvas.height !== height) { canvas.width = width; canvas.height = height; }
  const context = canvas.getContext("2d");
  context.imageSmoothingEnabled = true;
  context.drawImage(picture, 0, 0, width, height);
  // Heat changes with map and opacity alone: the threshold's frames reuse it.
  heated ??= heatLayer(shown ?? map);
  context.drawImage(heated, 0, 0, width, height);
  if (area) context.drawImage(maskLayer(inside, map.width, map.height, zoom), 0, 0);
  describe(value, area / inside.length, count);
}

function describe(value, share, count) {
  const above = result.normals.filter((score) => score > value).length, n = result.normals.length;
  const bad = result.score > value, moved = Math.abs(value - result.threshold) > 1e-9;
  $(".viewer").dataset.verdict = bad ? "bad" : "good";
  $(".sign").textContent = bad ? "!" : "✓";
  $(".headline").textContent = bad ? "Looks defective" : "Looks like a good part";
  const calibrated = moved ? "the threshold you set" : "the calibrated threshold";
  $(".reason").textContent = `${result.name}: its score of ${result.score.toFixed(2)} is ${bad ? "above" : "not above"} ${calibrated} of ${value.toFixed(2)}.`;
  const rate = (above + 1) / (n + 1);
  $(".meaning").textContent =
    `${above} of the ${n} good parts kept for calibration score above this threshold. ` +
    (result.crossFitted ? "Expect" : "That vouches for") +
    ` false alarms on ${result.crossFitted ? "about" : "at most"} ${(100 * rate).toFixed(1)} % of good parts.`;
  $(".area").textContent = percent(share);
  $(".regions").textContent = String(count);
  $(".score").textContent = result.score.toFixed(2);
  $(".size").textContent = `${result.width} × ${result.height}`;
  $(".canvas").setAttribute("aria-label",
    `${result.name}: ${count} marked regions, ${percent(share)} of the image, at threshold ${value.toFixed(2)}`);
  const mark = (value - result.low) / Math.max(result.high - result.low, 1e-12);
  $(".legend-mark").style.setProperty("--at", Math.min(1, Math.max(0, mark)));
  dots(value);
}

function dots(value) {
  const range = $(".threshold"), low = Number(range.min), span = Number(range.max) - low;
  const x = (score) => (100 * (Math.min(Math.max(score, low), low + span) - low)) / span;
  const svg = $(".dots");
  svg.setAttribute("viewBox", "0 0 100 18");
  const make = (name, attributes, cls) => {
    const node = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, v] of Object.entries(attributes)) node.setAttribute(key, v);
    node.setAttribute("class", cls);
    return node;
  };
  const line = (score, cls, top) => make("line", { x1: x(score), x2: x(score), y1: top, y2: 18 }, cls);
  svg.replaceChildren(
    ...result.normals.map((score) => line(score, "normal", 9)), line(value, "cut", 0), line(result.score, "this", 0));
}

function strip() {
  const cards = [{ label: "Average", detail: "decides", map: null, url: null, mean: null }];
  for (const scale of result.scales)
    cards.push({
      label: `t = ${scale.t}`, map: scale, url: scale.picture,
      detail: `${scale.branch === "pixel" ? "pixels" : "features"}, noise ${(100 * scale.noise).toFixed(0)} %`,
    });
  $(".strip").replaceChildren(...cards.map((card) => {
    const button = document.createElement("button");
    button.type = "button";
    button.setAttribute("aria-pressed", String(card.map === null));
    const thumb = card.url ? new Image() : heatThumb();
    if (card.url) { thumb.src = card.url; thumb.alt = ""; }
    const label = document.createElement("b"), detail = document.createElement("small");
    label.textContent = card.label;
    detail.textContent = card.map ? `${card.detail}, adds ${card.map.atPeak.toFixed(2)}` : card.detail;
    if (card.map) button.title = `${card.map.atPeak.toFixed(2)} of the score of ${result.score.toFixed(2)}, at its peak`;
    button.append(thumb, label, detail);
    button.addEventListener("click", async () => {
      for (const other of $(".strip").children) other.setAttribute("aria-pressed", String(other === button));
      shown = card.map ? await decode(card.map.map) : null;
      heated = null;
      $(".caption").textContent = card.map
        ? `${card.map.branch === "pixel" ? "Pixel map (KL)" : "Feature map"} at t = ${card.map.t}: noise is ` +
          `${(100 * card.map.noise).toFixed(0)} % of the signal's range; the outline is that of the average`
        : "Average over the noise scales; what is above the threshold is outlined and hatched";
      schedule();
    });
    return button;
  }));
  $(".strip").firstChild.click();
}

function heatThumb() {
  const map = result.decoded, canvas = document.createElement("canvas");
  const step = Math.max(1, Math.floor(Math.max(map.width, map.height) / 160));
  canvas.width = Math.floor(map.width / step); canvas.height = Math.floor(map.height / step);
  const context = canvas.getContext("2d"), data = context.createImageData(canvas.width, canvas.height);
  for (let y = 0; y < canvas.height; y++)
    for (let x = 0; x < canvas.width; x++) {
      const value = map.low + ((map.high - map.low) * map.code[y * step * map.width + x * step]) / 65535;
      const level = Math.min(1, Math.max(0, (value - result.low) / Math.max(result.high - result.low, 1e-12)));
      data.data.set([...HEAT[Math.round(level * 255)], 255], 4 * (y * canvas.width + x));
    }
  context.putImageData(data, 0, 0);
  return canvas;
}

function schedule() { if (!frame) frame = requestAnimationFrame(draw); }

function setThreshold(value, source) {
  if (!Number.isFinite(value) || !result) return;
  level = value;
  if (source !== "range") $(".threshold").value = value;
  if (source !== "number") $(".threshold-number").value = Number(value.toFixed(4));
  schedule();
  // The files to take away follow once the slider rests; until then they must not be fetched.
  document.body.classList.add("ddad-stale");
  clearTimeout(settle);
  settle = setTimeout(() => trigger("settle", { threshold: value }), 200);
}

async function show(value) {
  const mine = ++serial;
  if (!value || !value.map) { result = null; $(".viewer").dataset.state = "empty"; return; }
  const [decoded, base] = await Promise.all([decode(value.map), image(value.image)]);
  if (mine !== serial) return;
  result = { ...value, decoded };
  picture = base; shown = heated = null;
  const range = $(".threshold");
  range.min = Math.min(result.low, result.normals[0] ?? result.low);
  range.max = 1.05 * Math.max(result.high, result.score, result.normals.at(-1) ?? 0);
  range.value = level = result.threshold;
  $(".threshold-number").value = Number(result.threshold.toFixed(4));
  $(".legend-low").textContent = result.low.toFixed(1);
  $(".legend-high").textContent = `${result.high.toFixed(1)} σ`;
  $(".viewer").dataset.state = "full";
  strip();
  draw();
  document.body.classList.remove("ddad-stale");
}

const bar = $(".bar").getContext("2d");
HEAT.forEach(([r, g, b], i) => { bar.fillStyle = `rgb(${r},${g},${b})`; bar.fillRect(i, 0, 1, 1); });
$(".opacity").addEventListener("input", () => { $(".opacity-out").textContent = `${$(".opacity").value} %`; heated = null; schedule(); });
$(".threshold").addEventListener("input", () => setThreshold(Number($(".threshold").value), "range"));
$(".threshold-number").addEventListener("change", () => setThreshold(Number($(".threshold-number").value), "number"));
$(".reset").addEventListener("click", () => setThreshold(result.threshold, "reset"));
new ResizeObserver(schedule).observe($(".canvas"));
watch("value", () => show(props.value));
show(props.value);
