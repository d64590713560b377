// Tools: pointer, wheel and keys on the canvas; strokes and their undoing.

// What a tool writes: a layer and a value. `paint` holds 0 where the model decides, 1 where the
// person marked, 2 where the person cleared; `zone` holds 1 where nothing counts.
const PAINTS = {
  brush: { layer: "paint", value: 1, other: 2 },
  eraser: { layer: "paint", value: 2, other: 1 },
  zone: { layer: "zone", value: 1, other: 0 },
};
const HISTORY = 200;
const pointers = new Map();
let tool = "select", spaceHeld = false, gesture = null;

const brushSize = () => Math.max(1, options.size);
const decided = (i) => (now.zone[i] ? 0 : now.paint[i] === 0 ? now.proposal[i] : now.paint[i] & 1);

function chooseTool(name) {
  tool = name;
  for (const button of all(".tool")) button.setAttribute("aria-pressed", String(button.dataset.tool === name));
  stage.dataset.tool = name;
  $(".size-row").hidden = !PAINTS[name];
  schedule("cursor");
}

function setSize(size) {
  options.size = Math.min(400, Math.max(1, Math.round(size)));
  $(".brush-size").value = options.size;
  $(".brush-size-out").textContent = `${options.size} px`;
  remember();
  schedule("cursor");
}

function place(event) {
  const box = cursor.getBoundingClientRect();
  const x = (event.clientX - box.left) * view.ratio, y = (event.clientY - box.top) * view.ratio;
  return { x, y };
}

// Before a change: a copy of its layer. After it: the rectangle that changed, both ways.
function begin(layer) { settle(); return { layer, before: now[layer].slice(), rect: null }; }

function grow(change, rect) {
  const old = change.rect;
  change.rect = old ? {
    left: Math.min(old.left, rect.left), top: Math.min(old.top, rect.top),
    right: Math.max(old.right, rect.right), bottom: Math.max(old.bottom, rect.bottom),
  } : rect;
}

function crop(layer, { left, top, right, bottom }) {
  const width = right - left, patch = new Uint8Array(width * (bottom - top));
  for (let y = top; y < bottom; y++) patch.set(layer.subarray(y * now.width + left, y * now.width + right), (y - top) * width);
  return patch;
}

function commit({ layer, before, rect }) {
  if (!rect || rect.right <= rect.left || rect.bottom <= rect.top) return;
  const entry = { layer, rect, before: crop(before, rect), after: crop(now[layer], rect) };
  if (entry.before.every((v, i) => v === entry.after[i])) return;
  now.undo.push(entry);
  if (now.undo.length > HISTORY) now.undo.shift();
  now.redo = [];
  edited(layer);
}

function replay(from, to, side) {
  const entry = now?.[from].pop();
  if (!entry) return;
  now[to].push(entry);
  const { left, top, right, bottom } = entry.rect, width = right - left, layer = now[entry.layer];
  for (let y = top; y < bottom; y++) layer.set(entry[side].subarray((y - top) * width, (y - top + 1) * width), y * now.width + left);
  recombine(entry.rect);
  edited(entry.layer);
}
const undo = () => replay("undo", "redo", "before");
const redo = () => replay("redo", "undo", "after");

// The mask anew within a rectangle; returns by how many pixels it grew.
function recombine({ left, top, right, bottom } = { left: 0, top: 0, right: now.width, bottom: now.height }) {
  const { zone, paint, proposal, mask, width } = now;
  let grown = 0;
  for (let y = top; y < bottom; y++)
    for (let i = y * width + left, stop = y * width + right; i < stop; i++) {
      const marked = zone[i] ? 0 : paint[i] === 0 ? proposal[i] : paint[i] & 1;
      grown += marked - mask[i];
      mask[i] = marked;
    }
  schedule("overlay", { left, top, right, bottom });
  return grown;
}

function paintSegment(stroke, from, to) {
  const began = performance.now(), layer = now[stroke.change.layer], value = stroke.value;
  const rect = eachInStroke(from.x, from.y, to.x, to.y, brushSize() / 2, now.width, now.height, (i) => {
    layer[i] = value;
    now.mask[i] = decided(i);
  });
  grow(stroke.change, rect);
  schedule("overlay", rect);
  spent += performance.now() - began;
}

function fillBox(stroke, { x0, y0, x1, y1 }) {
  const rect = {
    left: Math.max(0, Math.floor(Math.min(x0, x1))), top: Math.max(0, Math.floor(Math.min(y0, y1))),
    right: Math.min(now.width, Math.ceil(Math.max(x0, x1))), bottom: Math.min(now.height, Math.ceil(Math.max(y0, y1))),
  };
  const layer = now[stroke.change.layer];
  for (let y = rect.top; y < rect.bottom; y++) layer.fill(stroke.value, y * now.width + rect.left, y * now.width + rect.right);
  grow(stroke.change, rect);
  if (rect.right > rect.left && rect.bottom > rect.top) recombine(rect);
}

// Clears a region, or gives back one that was cleared.
function toggleRegion(region, removed) {
  const change = begin("paint"), found = removed ? now.removed : now.found;
  eachPixel(found, region, (i) => { now.paint[i] = removed ? 0 : 2; });
  const { left, top, right, bottom } = found.regions[region];
  grow(change, { left, top, right, bottom });
  recombine(change.rect);
  commit(change);
}

function pick(point, drop) {
  const x = Math.floor(point.x), y = Math.floor(point.y);
  if (x < 0 || y < 0 || x >= now.width || y >= now.height) return;
  refresh();
  const region = regionAt(now.found, y * now.width + x);
  if (!drop) return select(region, false);
  if (region >= 0) return toggleRegion(region, false);
  const removed = regionAt(now.removed, y * now.width + x);
  if (removed >= 0) toggleRegion(removed, true);
}

function pressed(event) {
  if (!now) return;
  cursor.focus({ preventScroll: true });
  const at = place(event);
  pointers.set(event.pointerId, at);
  try { cursor.setPointerCapture(event.pointerId); } catch { /* gone already */ }
  if (pointers.size === 2) return startPinch();
  if (pointers.size > 2) return;
  const brush = PAINTS[tool];
  if (event.button === 1 || spaceHeld || (!brush && event.button === 0)) {
    gesture = { kind: "pan", at, moved: false, click: event.button === 0 && !spaceHeld };
  } else if (brush && (event.button === 0 || event.button === 2)) {
    const erasing = event.altKey || event.button === 2, from = toImage(at.x, at.y);
    gesture = { kind: event.shiftKey ? "box" : "stroke", value: erasing ? brush.other : brush.value, change: begin(brush.layer), from };
    if (gesture.kind === "stroke") paintSegment(gesture, from, from);
    else now.box = { x0: from.x, y0: from.y, x1: from.x, y1: from.y };
  }
  event.preventDefault();
}

function moved(event) {
  if (!now) return;
  const at = place(event);
  hover = { ...at, erasing: tool === "eraser" ? !event.altKey : event.altKey };
  if (pointers.has(event.pointerId)) pointers.set(event.pointerId, at);
  if (gesture?.kind === "pinch") return pinch();
  if (gesture?.kind === "pan") {
    const dx = at.x - gesture.at.x, dy = at.y - gesture.at.y;
    if (gesture.moved || Math.hypot(dx, dy) > 4 * view.ratio) { gesture.moved = true; gesture.at = at; pan(dx, dy); }
  } else if (gesture?.kind === "stroke") {
    const steps = event.getCoalescedEvents?.() ?? [];
    for (const step of steps.length ? steps : [event]) {
      const p = place(step), to = toImage(p.x, p.y);
      paintSegment(gesture, gesture.from, to);
      gesture.from = to;
    }
  } else if (gesture?.kind === "box") {
    const to = toImage(at.x, at.y);
    now.box.x1 = to.x; now.box.y1 = to.y;
  }
  schedule("cursor");
}

function released(event) {
  pointers.delete(event.pointerId);
  const done = gesture;
  if (!now || !done || (done.kind === "pinch" && pointers.size)) return;
  gesture = null;
  if (done.kind === "stroke") commit(done.change);
  if (done.kind === "box") { fillBox(done, now.box); now.box = null; commit(done.change); }
  if (done.kind === "pan" && !done.moved && done.click) pick(toImage(done.at.x, done.at.y), tool === "drop");
  schedule("cursor");
}

function startPinch() {
  if (gesture?.change) {  // two fingers mean the view: the stroke of the first is taken back
    now[gesture.change.layer].set(gesture.change.before);
    now.box = null;
    if (gesture.change.rect) recombine(gesture.change.rect);
  }
  gesture = { kind: "pinch", last: spread() };
}

function spread() {
  const [a, b] = [...pointers.values()];
  return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2, span: Math.max(1, Math.hypot(a.x - b.x, a.y - b.y)) };
}

function pinch() {
  if (pointers.size < 2) return;
  const next = spread(), last = gesture.last;
  gesture.last = next;
  zoomTo((view.scale * next.span) / last.span, last.x, last.y);
  pan(next.x - last.x, next.y - last.y);
}

const KEYS = {
  v: () => chooseTool("select"), b: () => chooseTool("brush"), e: () => chooseTool("eraser"),
  k: () => chooseTool("drop"), z: () => chooseTool("zone"),
  "[": () => setSize(options.size - Math.max(1, options.size * 0.15)), "]": () => setSize(options.size + Math.max(1, options.size * 0.15)),
  f: () => fit(), 1: () => zoomTo(view.ratio / now.shrink), "+": () => zoomTo(view.scale * 1.25), "=": () => zoomTo(view.scale * 1.25), "-": () => zoomTo(view.scale / 1.25),
  h: () => toggle("heat"), o: () => toggle("outline"),
  Enter: () => decide("accepted"), x: () => decide("rejected"), u: () => decide("undecided"),
  a: () => step(-1), d: () => step(1), ArrowLeft: () => step(-1), ArrowRight: () => step(1),
  Delete: () => dropSelected(), Backspace: () => dropSelected(),
  p: () => stamp(),
};
const PAN = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

// Without a mouse: the view is moved with Shift and arrows, the brush marks what is in its middle.
function stamp() {
  const brush = PAINTS[tool];
  if (!brush) return;
  const at = toImage(photo.width / 2, photo.height / 2), stroke = { value: brush.value, change: begin(brush.layer) };
  hover = { x: photo.width / 2, y: photo.height / 2, erasing: tool === "eraser" };
  paintSegment(stroke, at, at);
  commit(stroke.change);
}

function keyed(event) {
  if (!now || window.ddadActive !== element || !element.offsetParent) return;
  const target = event.target, outside = target !== document.body && !element.contains(target);
  if (outside && (event.key.startsWith("Arrow") || target.closest("input, select"))) return;
  if (target.closest("input:not([type=range], [type=checkbox], [type=file]), textarea, select, [contenteditable]")) return;
  const ranged = target.matches("input"), button = target.closest("button, summary, a, input");
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if ((event.ctrlKey || event.metaKey) && (key === "z" || key === "y")) {
    event.preventDefault();
    return key === "y" || event.shiftKey ? redo() : undo();
  }
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (key === " " && !button) { spaceHeld = true; stage.dataset.held = "pan"; return event.preventDefault(); }
  if (event.shiftKey && PAN[key] && !ranged) {
    event.preventDefault();
    return pan(PAN[key][0] * 0.15 * photo.width, PAN[key][1] * 0.15 * photo.height);
  }
  if ((button && key === "Enter") || (ranged && key.startsWith("Arrow")) || !KEYS[key]) return;
  event.preventDefault();
  KEYS[key]();
}

function listen() {
  cursor.addEventListener("pointerdown", pressed);
  cursor.addEventListener("pointermove", moved);
  cursor.addEventListener("pointerup", released);
  cursor.addEventListener("pointercancel", released);
  cursor.addEventListener("pointerleave", () => { hover = null; schedule("cursor"); });
  cursor.addEventListener("contextmenu", (event) => event.preventDefault());
  cursor.addEventListener("wheel", (event) => {
    if (!now) return;
    event.preventDefault();
    const at = place(event);
    zoomTo(view.scale * Math.exp(-Math.sign(event.deltaY) * Math.min(0.35, Math.abs(event.deltaY) / 500)), at.x, at.y);
  }, { passive: false });
  element.addEventListener("pointerdown", () => { window.ddadActive = element; }, true);
  element.addEventListener("focusin", () => { window.ddadActive = element; });
  document.addEventListener("keydown", (event) => { if (element.isConnected) keyed(event); });
  document.addEventListener("keyup", (event) => { if (event.key === " ") { spaceHeld = false; stage.dataset.held = ""; } });
}
