// The desk's state and what a change of it entails. `now` is the image on the desk.

const PREFERENCES = "ddad-desk";
const options = { opacity: 70, heat: true, outline: true, size: 12, reviewer: "", goOn: false };
let now = null, serial = 0, tableTimer = 0, loading = {};
const memory = `labels-${Math.random().toString(36).slice(2)}`;

function remember() {
  try { localStorage.setItem(PREFERENCES, JSON.stringify(options)); } catch { /* storage is off */ }
}

// Messages about one image may come faster than its picture loads: they all wait for the same one.
function loadImage(url) {
  if (url !== loading.url) loading = { url, image: new Promise((done, fail) => {
    const img = new Image();
    img.onload = () => done(img);
    img.onerror = () => fail(new Error("the picture cannot be shown"));
    img.src = url;
  }) };
  return loading.image;
}

// After a change of map, threshold or clean-up: the model's proposal anew, below what was painted.
function reproposed() {
  const began = performance.now();
  now.stale = false;
  now.area = propose(now.map, now.threshold, now.width, now.height, now.least, now.fill, now.proposal);
  now.mask.set(now.proposal);
  if (now.rows) now.area += recombine(now.rows);
  schedule("overlay");
  describe();
  later();
  spent += performance.now() - began;
}

function settle() { if (now?.stale) reproposed(); }

// Regions and table follow when the hand rests.
function later() {
  put(".area", percent(now.area / now.mask.length));
  now.found = null;
  clearTimeout(tableTimer);
  tableTimer = setTimeout(() => { if (now && !now.found) { refresh(); table(); } }, 150);
}

// Regions up to date with the mask, for whoever is about to use them.
function refresh() {
  settle();
  if (now.found) return;
  now.found = findRegions(now.mask, now.width, now.height, now.map);
  const gone = new Uint8Array(now.mask.length);
  if (now.painted) for (let i = 0; i < gone.length; i++) gone[i] = now.paint[i] === 2 && now.proposal[i] && !now.zone[i] ? 1 : 0;
  now.removed = findRegions(gone, now.width, now.height, now.map);
  now.selected = -1;
  measure();
  schedule("cursor");
}

function settleScore() {
  const { score, at } = peakOf(now.map, now.zone);
  now.score = score; now.peakAt = at;
  strip();
}

// After a stroke, its undoing, a region dropped or kept, a mask brought in.
function edited(layer) {
  now.painted = now.paint.indexOf(1) >= 0 || now.paint.indexOf(2) >= 0;
  now.zoned = now.zone.indexOf(1) >= 0;
  now.rows = rowsOf([now.paint, now.zone], now.width, now.height);
  now.area = count(now.mask);
  if (layer === "zone") settleScore();
  const changed = now.painted || now.zoned;
  if (changed && now.decision !== "corrected") now.decision = "corrected";
  else if (!changed && now.decision === "corrected") now.decision = "undecided";
  chips();
  buttons();
  describe();
  later();
  save();
}

function buttons() {
  $(".undo").disabled = !now.undo.length;
  $(".redo").disabled = !now.redo.length;
}

function setThreshold(value, source) {
  if (!Number.isFinite(value) || !now) return;
  now.threshold = value;
  if (source !== "range") $(".threshold").value = value;
  if (source !== "number") $(".threshold-number").value = Number(value.toFixed(4));
  now.stale = true;  // the next frame proposes anew, however many events come before it
  schedule("overlay");
  permalink();
  save(250);
}

function toggle(name) {
  options[name] = !options[name];
  showOptions();
  remember();
  schedule("overlay");
}

function showOptions() {
  for (const button of all(".toggle")) button.setAttribute("aria-pressed", String(options[button.dataset.option]));
  $(".opacity").value = options.opacity;
  $(".opacity-out").textContent = `${options.opacity} %`;
  $(".reviewer").value = options.reviewer;
  $(".go-on").checked = options.goOn;
  mixHeat();
}

// Puts an image on the desk: whole, or with the maps there are so far.
async function show(value) {
  const mine = ++serial;
  const same = now && value.token === now.token;
  const picture = value.image ? await loadImage(value.image) : same ? now.picture : null;
  if (mine !== serial) return;
  if (!picture) return open(value.item);  // its first message was overtaken by a later one
  const [width, height] = value.shown, review = value.review ?? {}, pixels = width * height;
  const scales = value.scales.map((scale) => ({ ...scale, map: decodeMap(scale.map) }));
  const fresh = !same;
  setAside();
  now = {
    ...value, width, height, picture, scales, shrink: width / value.original[0],
    calibrated: value.threshold, threshold: value.at ?? review.threshold ?? value.threshold,
    least: review.least ?? 1, fill: review.fill ?? false, decision: review.decision ?? "undecided",
    labels: review.labels ?? [], on: scales.map((scale) => !(review.off ?? []).includes(scale.name)),
    paint: new Uint8Array(pixels), zone: new Uint8Array(pixels), proposal: new Uint8Array(pixels), mask: new Uint8Array(pixels),
    undo: [], redo: [], selected: -1, look: -1, shown: null, area: 0,
  };
  if (review.added) decodeRuns(review.added, now.paint, 1);
  if (review.removed) decodeRuns(review.removed, now.paint, 2);
  if (review.zone) decodeRuns(review.zone, now.zone, 1);
  now.painted = !!(review.added || review.removed); now.zoned = !!review.zone;
  now.rows = rowsOf([now.paint, now.zone], width, height);
  now.map = fuse(scales, now.on, width, height);
  $(".viewer").dataset.state = "full";
  mixHeat();
  if (fresh) view.fitted = true;
  fitStage();
  const { score, at } = peakOf(now.map, now.zone);
  now.score = score; now.peakAt = at;
  controls();
  strip();
  look(-1);
  reproposed();
  refresh();
  table();
  chips(); buttons(); permalink();
  if (pending.size) flush();
  else tell(value.item ? (value.review ? "As you left it" : "Every change is saved at once") : "");
  complain();
  put(".note", value.note ?? "");
  if (value.item) { enter(value.entry); list(); trigger("current", { item: value.item }); }
}

function controls() {
  const range = $(".threshold"), peak = Number.isFinite(now.score) ? now.score : now.high;
  range.min = Math.min(now.low, now.normals[0] ?? now.low, now.threshold);
  range.max = Math.max(1.05 * Math.max(now.high, peak, now.normals.at(-1) ?? 0), now.threshold);
  range.step = "any";
  range.value = now.threshold;
  $(".threshold-number").value = Number(now.threshold.toFixed(4));
  $(".least").value = now.least;
  $(".fill").checked = now.fill;
  put(".legend-low", now.low.toFixed(1));
  put(".legend-high", `${now.high.toFixed(1)} σ`);
  for (const control of all(".full button, .full input")) control.disabled = !!now.partial;
}

async function receive(message) {
  if (!message) { now = null; $(".viewer").dataset.state = "empty"; return; }
  if (message.session) session = message.session;
  if (message.words) { words = message.words; recall(); }
  if (message.queue) { queue = message.queue; list(); }
  try {
    if (message.desk) await show(message.desk);
    else if (message.open) await open(message.open);
    else if (message.queue && now?.item && !unsaved && !saving && !pending.size) {  // changed in another tab?
      const entry = queue.find((each) => each.item === now.item);
      if (!entry) { now = null; $(".viewer").dataset.state = "empty"; trigger("current", { item: null }); }
      else if (entry.decision !== now.decision) await open(now.item);
    }
  } catch (error) { complain(error.message); }
}

function begins() {
  try { Object.assign(options, JSON.parse(localStorage.getItem(PREFERENCES)) ?? {}); } catch { /* none yet */ }
  window.ddadActive ??= element;
  $(".memory").id = memory;
  const bar = $(".bar").getContext("2d");
  HEAT.forEach(([r, g, b], i) => { bar.fillStyle = `rgb(${r},${g},${b})`; bar.fillRect(i, 0, 1, 1); });
  const on = (selector, type, act) => $(selector).addEventListener(type, (event) => { if (now) act(event.target); });
  for (const button of all(".tool")) button.addEventListener("click", () => chooseTool(button.dataset.tool));
  for (const button of all(".toggle")) button.addEventListener("click", () => toggle(button.dataset.option));
  for (const button of all(".decide")) button.addEventListener("click", () => decide(button.dataset.decision));
  for (const button of all(".take")) button.addEventListener("click", () => take(button.dataset.format ?? $(".format").value, button));
  on(".undo", "click", undo); on(".redo", "click", redo);
  on(".zoom-in", "click", () => zoomTo(view.scale * 1.4)); on(".zoom-less", "click", () => zoomTo(view.scale / 1.4));
  on(".fit", "click", fit); on(".whole", "click", () => zoomTo(view.ratio / now.shrink));
  on(".previous", "click", () => step(-1)); on(".next", "click", () => step(1));
  on(".opacity", "input", (input) => { options.opacity = Number(input.value); options.heat = true; showOptions(); remember(); schedule("overlay"); });
  on(".threshold", "input", (input) => setThreshold(Number(input.value), "range"));
  on(".threshold-number", "change", (input) => setThreshold(Number(input.value), "number"));
  on(".reset", "click", () => setThreshold(now.calibrated, "reset"));
  on(".brush-size", "input", (input) => setSize(Number(input.value)));
  on(".least", "change", (input) => { now.least = input.value = Math.max(1, Math.round(Number(input.value)) || 1); reproposed(); save(); });
  on(".fill", "change", (input) => { now.fill = input.checked; reproposed(); save(); });
  on(".reviewer", "change", (input) => { options.reviewer = input.value.trim().slice(0, 80); remember(); save(); });
  on(".go-on", "change", (input) => { options.goOn = input.checked; remember(); });
  on(".bring", "change", (input) => { bring(input.files[0]); input.value = ""; });
  on(".copy", "click", async () => {
    $(".link").select();
    try { await navigator.clipboard.writeText($(".link").value); } catch { document.execCommand("copy"); }
    put(".link-note", "Copied.");
  });
  showOptions(); setSize(options.size); chooseTool("select"); listen();
  new ResizeObserver(fitStage).observe(stage);
  document.addEventListener("visibilitychange", () => { if (document.hidden && unsaved) flush(); });
  $(".viewer").desk = { state: () => now, view, ask };  // for tests and measurements
  watch("value", () => receive(props.value));
  receive(props.value);
}
begins();
