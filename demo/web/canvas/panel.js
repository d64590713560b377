// Everything beside the canvas: verdict, threshold and its meaning, regions, scales.

const percent = (share) => (share === 0 ? "0 %" : share < 0.001 ? "< 0.1 %" : `${(100 * share).toFixed(1)} %`);
const grouped = (n) => Math.round(n).toLocaleString("en").replaceAll(",", "\u202f");
const make = (tag, className = "", text = "") => {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text) node.textContent = text;
  return node;
};
const MOST_ROWS = 100;

function describe() {
  const { normals, score, threshold: level } = now, n = normals.length;
  const above = normals.filter((each) => each > level).length;
  const bad = score > level, moved = Math.abs(level - now.calibrated) > 1e-9, whole = now.on.every(Boolean);
  $(".viewer").dataset.verdict = now.partial ? "wait" : bad ? "bad" : "good";
  $(".sign").textContent = now.partial ? "…" : bad ? "!" : "✓";
  put(".headline", now.partial ? "Still looking" : bad ? "Looks defective" : "Looks like a good part");
  const calibrated = moved ? "the threshold you set" : "the calibrated threshold";
  put(".reason", now.partial
    ? `${now.name}: ${now.scales.length} of ${now.of} maps so far.`
    : Number.isFinite(score)
      ? `${now.name}: its score of ${score.toFixed(2)} is ${bad ? "above" : "not above"} ${calibrated} of ${level.toFixed(2)}.`
      : `${now.name}: all of it lies in the ignore zone, so there is no score.`);
  $(".uncalibrated").hidden = whole;
  const rate = (100 * (above + 1)) / (n + 1);
  put(".meaning", `${above} of the ${n} good parts kept for calibration score above this threshold. ` +
    (now.crossFitted ? "Expect" : "That vouches for") +
    ` false alarms on ${now.crossFitted ? "about" : "at most"} ${rate.toFixed(1)} % of good parts.`);
  put(".alarms", `${now.crossFitted ? "about" : "at most"} ${rate.toFixed(1)} % false alarms`);
  $(".threshold").setAttribute("aria-valuetext", `${level.toFixed(2)}: ${now.crossFitted ? "about" : "at most"} ${rate.toFixed(1)} percent false alarms`);
  put(".score", Number.isFinite(score) ? score.toFixed(2) : "none");
  put(".size", `${now.original[0]} × ${now.original[1]}`);
  $(".legend-mark").style.setProperty("--at", Math.min(1, Math.max(0, (level - now.low) / Math.max(now.high - now.low, 1e-12))));
  dots(level);
}

// Text that a screen reader announces is only touched when it changes.
function put(selector, text) { const node = $(selector); if (node.textContent !== text) node.textContent = text; }

function measure() {
  const share = now.area / now.mask.length;
  put(".area", percent(share));
  put(".regions", String(now.found?.regions.length ?? 0));
  cursor.setAttribute("aria-label", `${now.name}: ${now.found?.regions.length ?? 0} marked regions, ` +
    `${percent(share)} of the image, at threshold ${now.threshold.toFixed(2)}`);
}

function dots(level) {
  const range = $(".threshold"), low = Number(range.min), span = Number(range.max) - low;
  const x = (score) => (100 * (Math.min(Math.max(score, low), low + span) - low)) / span;
  const line = (score, cls, top) => {
    const node = document.createElementNS("http://www.w3.org/2000/svg", "line");
    for (const [key, v] of Object.entries({ x1: x(score), x2: x(score), y1: top, y2: 18 })) node.setAttribute(key, v);
    node.setAttribute("class", cls);
    return node;
  };
  const marks = now.normals.map((score) => line(score, "normal", 9));
  if (Number.isFinite(now.score)) marks.push(line(now.score, "this", 0));
  $(".dots").replaceChildren(...marks, line(level, "cut", 0));
}

function table() {
  const rows = [];
  const order = now.found.regions.map((_, k) => k).sort((a, b) => now.found.regions[b].peak - now.found.regions[a].peak);
  order.slice(0, MOST_ROWS).forEach((k, i) => rows.push(regionRow(now.found.regions[k], k, i + 1)));
  const left = now.removed.regions.map((_, k) => k).filter((k) => now.removed.regions[k].area > 3);
  left.slice(0, 20).forEach((k) => rows.push(regionRow(now.removed.regions[k], k, "–", true)));
  $(".rows").replaceChildren(...rows);
  $(".no-rows").hidden = rows.length > 0;
  $(".table-scroll").hidden = !rows.length;
  put(".more-rows", order.length > MOST_ROWS ? `The ${MOST_ROWS} loudest of ${order.length} regions.` : "");
}

function regionRow(region, k, number, removed = false) {
  const unit = 1 / now.shrink, row = make("tr", removed ? "removed" : "");
  const width = region.right - region.left, height = region.bottom - region.top;
  const show = make("button", "show-region", removed ? "cleared" : String(number));
  show.type = "button";
  show.title = "Show it on the image";
  show.setAttribute("aria-label", removed ? "Show the cleared region" : `Show region ${number}`);
  const name = make("input", "label");
  Object.assign(name, { type: "text", maxLength: 60, placeholder: "label", value: labelOf(region) });
  name.setAttribute("aria-label", `Label of region ${number}`);
  name.setAttribute("list", memory);
  name.addEventListener("change", () => setLabel(region, name.value.trim()));
  const drop = make("button", "drop", removed ? "Keep" : "Drop");
  drop.type = "button";
  drop.setAttribute("aria-label", removed ? "Keep this region after all" : `Drop region ${number}`);
  drop.addEventListener("click", (event) => { event.stopPropagation(); refresh(); toggleRegion(k, removed); });
  const cells = [show, `${grouped(region.area * unit * unit)} px, ${percent(region.area / now.mask.length)}`,
    [region.left, region.top, width, height].map((v) => Math.round(v * unit)).join(", "),
    [region.sx, region.sy].map((v) => ((v / region.area) * unit).toFixed(1)).join(", "),
    region.peak.toFixed(2), (region.sum / region.area).toFixed(2), removed ? "" : name, drop];
  for (const cell of cells) {
    const td = row.insertCell();
    td.append(cell);
  }
  if (!removed) {
    row.dataset.region = k;
    row.addEventListener("click", (event) => { if (!event.target.closest("input")) select(k, true); });
  } else show.addEventListener("click", () => zoomToRegion(region));
  return row;
}

function select(k, zoom) {
  now.selected = k;
  for (const row of $(".rows").children) {
    const mine = row.dataset.region === String(k);
    row.classList.toggle("selected", mine);
    if (mine) row.setAttribute("aria-current", "true"); else row.removeAttribute("aria-current");
    // Only the table scrolls, never the page.
    if (mine && !zoom) { const box = $(".table-scroll"); box.scrollTop = row.offsetTop - box.clientHeight / 2; }
  }
  if (zoom && k >= 0) zoomToRegion(now.found.regions[k]);
  schedule("cursor");
}

function dropSelected() {
  if (now.selected < 0) return;
  refresh();
  if (now.found.regions[now.selected]) toggleRegion(now.selected, false);
}

// A label is anchored at a pixel of its region, so that it survives a change of the threshold.
function labelOf(region) {
  const mine = now.labels.find(({ x, y }) => inRegion(region, x, y));
  return mine?.label ?? "";
}

function inRegion(region, x, y) {
  const index = Math.floor(y * now.shrink) * now.width + Math.floor(x * now.shrink), k = regionAt(now.found, index);
  return k >= 0 && now.found.regions[k] === region;
}

function setLabel(region, label) {
  now.labels = now.labels.filter(({ x, y }) => !inRegion(region, x, y));
  const unit = 1 / now.shrink;
  if (label) now.labels.push({ x: Math.floor((region.at % now.width + 0.5) * unit), y: Math.floor((Math.floor(region.at / now.width) + 0.5) * unit), label });
  if (label && !words.includes(label)) { words.push(label); recall(); }
  save();
}

function recall() {
  $(".memory").replaceChildren(...words.map((word) => { const option = make("option"); option.value = word; return option; }));
}

function strip() {
  const cards = now.scales.map((scale, i) => {
    const card = make("div", "card"), button = make("button", "look"), keep = make("label", "keep"), box = make("input");
    button.type = "button";
    button.setAttribute("aria-pressed", String(now.look === i));
    const detail = `${scale.branch === "pixel" ? "pixels" : "features"}, noise ${(100 * scale.noise).toFixed(0)}\u00a0%`;
    button.append(thumbnail(scale.map), make("b", "", `t = ${scale.t}`), make("small", "", detail));
    if (now.peakAt >= 0) {
      const adds = scale.weight * sample(scale.map, now.peakAt);
      button.append(make("small", "", `adds ${adds.toFixed(2)}`));
      button.title = `${adds.toFixed(2)} of the score of ${now.score.toFixed(2)}, at its peak`;
    }
    button.addEventListener("click", () => look(i));
    Object.assign(box, { type: "checkbox", checked: now.on[i] });
    box.setAttribute("aria-label", `t = ${scale.t}, ${scale.branch}: counts in the average`);
    box.addEventListener("change", () => switchScale(i, box));
    keep.append(box, "counts");
    card.append(button, keep);
    return card;
  });
  const average = make("div", "card"), button = make("button", "look");
  button.type = "button";
  button.setAttribute("aria-pressed", String(now.look < 0));
  button.append(thumbnail({ values: now.map, w: now.width, h: now.height }), make("b", "", "Average"), make("small", "", "decides"));
  button.addEventListener("click", () => look(-1));
  average.append(button);
  $(".strip").replaceChildren(average, ...cards);
}

const sample = ({ values, w, h }, index) => {
  const x = index % now.width, y = Math.floor(index / now.width);
  return values[Math.floor((y / now.height) * h) * w + Math.floor((x / now.width) * w)];
};

function look(i) {
  now.look = i;
  const scale = now.scales[i];
  now.shown = null;
  if (scale) addResized((now.shown = new Float32Array(now.map.length)), now.width, now.height, scale.map, 1);
  [...all(".look")].forEach((button, k) => button.setAttribute("aria-pressed", String(k - 1 === i)));
  put(".caption", scale
    ? `${scale.branch === "pixel" ? "Pixel map (KL)" : "Feature map"} at t = ${scale.t}: noise is ` +
      `${(100 * scale.noise).toFixed(0)} % of the signal's range; the outline is that of the average`
    : "");
  schedule("overlay");
}

function switchScale(i, box) {
  now.on[i] = box.checked;
  if (!now.on.some(Boolean)) { now.on[i] = box.checked = true; return; }
  now.map = fuse(now.scales, now.on, now.width, now.height);
  settleScore();
  reproposed();
  save();
}

function thumbnail({ values, w, h }) {
  const canvas = make("canvas"), most = 96, by = Math.min(1, most / Math.max(w, h));
  canvas.width = Math.max(1, Math.round(w * by)); canvas.height = Math.max(1, Math.round(h * by));
  canvas.style.aspectRatio = `${now.width} / ${now.height}`;
  const context = canvas.getContext("2d"), data = context.createImageData(canvas.width, canvas.height);
  const pixels = new Uint32Array(data.data.buffer), gain = 255 / Math.max(now.high - now.low, 1e-12);
  for (let y = 0; y < canvas.height; y++)
    for (let x = 0; x < canvas.width; x++) {
      const value = values[Math.floor((y + 0.5) / by) * w + Math.floor((x + 0.5) / by)];
      const [r, g, b] = HEAT[Math.min(255, Math.max(0, Math.round((value - now.low) * gain)))];
      pixels[y * canvas.width + x] = 0xff000000 | (b << 16) | (g << 8) | r;
    }
  context.putImageData(data, 0, 0);
  return canvas;
}
