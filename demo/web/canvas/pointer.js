// Mouse, pen, fingers and wheel on the canvas.
import { enlarge } from "./actions.js";
import { shown } from "./desk.js";
import { closeOutline, corner, dropOutline, grow, startGrowing } from "./draft.js";
import { begin, commit, editable, fillBox, paintSegment, pick, takeBack } from "./edit.js";
import { schedule } from "./frame.js";
import { spread, toImage } from "./geometry.js";
import { dragLine, holdsLine } from "./normal.js";
import { PAINTS } from "./strokes.js";
import { pan, zoomTo } from "./view.js";

/** @typedef {import("./desk.js").Desk} Desk */

const STILL = 4;

/** @param {Desk} desk */
export function listenToPointer(desk) {
  const { cursor } = desk;
  cursor.addEventListener("pointerdown", (event) => pressed(desk, event));
  cursor.addEventListener("pointermove", (event) => moved(desk, event));
  cursor.addEventListener("pointerup", (event) => released(desk, event));
  cursor.addEventListener("pointercancel", (event) => released(desk, event));
  cursor.addEventListener("pointerleave", () => { desk.hover = null; schedule(desk, "cursor"); });
  cursor.addEventListener("dblclick", () => closeOutline(desk));
  cursor.addEventListener("contextmenu", (event) => event.preventDefault());
  cursor.addEventListener("wheel", (event) => {
    if (!desk.now) return;
    event.preventDefault();
    if (event.altKey) return enlarge(desk, -Math.sign(event.deltaY || event.deltaX));
    const by = -Math.sign(event.deltaY) * Math.min(0.35, Math.abs(event.deltaY) / 500);
    zoomTo(desk, desk.view.scale * Math.exp(by), place(desk, event));
  }, { passive: false });
}

/** In device pixels of the canvas. @param {Desk} desk @param {MouseEvent} event */
function place({ cursor, view }, event) {
  const box = cursor.getBoundingClientRect();
  return { x: (event.clientX - box.left) * view.ratio, y: (event.clientY - box.top) * view.ratio };
}

/** @param {Desk} desk @param {MouseEvent} event */
function imagePoint(desk, event) {
  const at = place(desk, event);
  return toImage(desk.view, at.x, at.y);
}

/** @param {Desk} desk @param {PointerEvent} event */
function pressed(desk, event) {
  if (!desk.now) return;
  const { cursor, pointers } = desk;
  cursor.focus({ preventScroll: true });
  pointers.set(event.pointerId, place(desk, event));
  try { cursor.setPointerCapture(event.pointerId); } catch { /* gone already */ }
  if (pointers.size === 2) return startPinch(desk);
  if (pointers.size > 2) return;
  const brush = PAINTS[desk.tool];
  if (event.button === 0 && !desk.spaceHeld && holdsLine(desk, place(desk, event))) desk.gesture = { kind: "line" };
  else if (event.button === 1 || desk.spaceHeld || (!brush && event.button === 0))
    desk.gesture = { kind: "pan", at: place(desk, event), moved: false, click: event.button === 0 && !desk.spaceHeld };
  else if (brush && (event.button === 0 || event.button === 2)) startStroke(desk, event);
  event.preventDefault();
}

/** @param {Desk} desk @param {PointerEvent} event */
function startStroke(desk, event) {
  if (!editable(desk)) return;
  const opposite = event.altKey || event.button === 2;
  if (desk.tool === "outline") { desk.gesture = { kind: "outline", opposite, moved: false, at: place(desk, event) }; return; }
  if (desk.tool === "smart") { desk.gesture = startGrowing(desk, imagePoint(desk, event), opposite); return; }
  const brush = PAINTS[desk.tool], value = opposite ? brush.other : brush.value;
  const from = imagePoint(desk, event), change = begin(desk, brush.layer);
  /** @type {import("./desk.js").Stroke} */
  const stroke = { kind: event.shiftKey ? "box" : "stroke", value, change, from };
  desk.gesture = stroke;
  if (stroke.kind === "stroke") paintSegment(desk, stroke, from, from);
  else shown(desk).box = { x0: from.x, y0: from.y, x1: from.x, y1: from.y };
}

/** @param {Desk} desk @param {PointerEvent} event */
function moved(desk, event) {
  const { now, gesture, pointers } = desk;
  if (!now) return;
  const at = place(desk, event);
  desk.hover = { ...at, erasing: desk.tool === "eraser" ? !event.altKey : event.altKey };
  if (pointers.has(event.pointerId)) pointers.set(event.pointerId, at);
  if (gesture?.kind === "pinch") return pinch(desk, gesture);
  if (gesture?.kind === "line") dragLine(desk, at);
  if (gesture?.kind === "outline") outlined(desk, gesture, event);
  if (gesture?.kind === "smart") grow(desk, gesture, at.x - (gesture.from.x * desk.view.scale + desk.view.x));
  if (gesture?.kind === "pan") dragged(desk, gesture, at);
  else if (gesture?.kind === "stroke") painted(desk, gesture, event);
  else if (gesture?.kind === "box" && now.box) {
    const to = toImage(desk.view, at.x, at.y);
    now.box.x1 = to.x; now.box.y1 = to.y;
  }
  schedule(desk, "cursor");
}

/** A hand that hardly moves means a click. @param {Desk} desk @param {import("./desk.js").Panning} gesture @param {{ x: number, y: number }} at */
function dragged(desk, gesture, at) {
  const dx = at.x - gesture.at.x, dy = at.y - gesture.at.y;
  if (!gesture.moved && Math.hypot(dx, dy) <= STILL * desk.view.ratio) return;
  gesture.moved = true; gesture.at = at;
  pan(desk, dx, dy);
}

/** A drag draws freely; a hand that hardly moves means a corner. @param {Desk} desk @param {import("./desk.js").Outlining} gesture @param {PointerEvent} event */
function outlined(desk, gesture, event) {
  const at = place(desk, event);
  if (!gesture.moved && Math.hypot(at.x - gesture.at.x, at.y - gesture.at.y) <= STILL * desk.view.ratio) return;
  if (!gesture.moved && !desk.draft) desk.draft = [toImage(desk.view, gesture.at.x, gesture.at.y)];
  gesture.moved = true;
  desk.draft?.push(imagePoint(desk, event));
}

/** @param {Desk} desk @param {import("./desk.js").Stroke} gesture @param {PointerEvent} event */
function painted(desk, gesture, event) {
  const steps = event.getCoalescedEvents?.() ?? [];
  for (const step of steps.length ? steps : [event]) {
    const to = imagePoint(desk, step);
    paintSegment(desk, gesture, gesture.from, to);
    gesture.from = to;
  }
}

/** @param {Desk} desk @param {PointerEvent} event */
function released(desk, event) {
  const { now, pointers, gesture: done } = desk;
  pointers.delete(event.pointerId);
  if (!now || !done || (done.kind === "pinch" && pointers.size)) return;
  desk.gesture = null;
  if (done.kind === "box" && now.box) { fillBox(desk, done, now.box); now.box = null; }
  if (done.kind === "stroke" || done.kind === "box" || done.kind === "smart") commit(desk, done.change);
  if (done.kind === "outline") {
    if (done.moved) closeOutline(desk, done.opposite); else corner(desk, imagePoint(desk, event), done.opposite);
  }
  if (done.kind === "pan" && !done.moved && done.click) pick(desk, toImage(desk.view, done.at.x, done.at.y), desk.tool === "drop");
  schedule(desk, "cursor");
}

/** Two fingers mean the view: the stroke of the first is taken back. @param {Desk} desk */
function startPinch(desk) {
  const { gesture, pointers } = desk;
  if (gesture?.kind === "stroke" || gesture?.kind === "box" || gesture?.kind === "smart") takeBack(desk, gesture.change);
  if (gesture?.kind === "outline" && gesture.moved) dropOutline(desk);
  const [a, b] = pointers.values();
  desk.gesture = { kind: "pinch", last: spread(a, b) };
}

/** @param {Desk} desk @param {import("./desk.js").Pinch} gesture */
function pinch(desk, gesture) {
  if (desk.pointers.size < 2) return;
  const [a, b] = desk.pointers.values(), next = spread(a, b), { last } = gesture;
  gesture.last = next;
  zoomTo(desk, (desk.view.scale * next.span) / last.span, last);
  pan(desk, next.x - last.x, next.y - last.y);
}
