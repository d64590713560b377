// The keyboard. Where a page has more than one canvas, keys act on the one last touched.
import { make } from "../dom.js";
import { chooseTool, decide, enlarge, stamp, step, toggle } from "./actions.js";
import { classify } from "./classes.js";
import { closeOutline, dropOutline, fillMask, swell, uncorner } from "./draft.js";
import { again, dropSelected, toggleLock } from "./edit.js";
import { askNormal } from "./normal.js";
import { fit, pan, zoomBy, zoomWhole } from "./view.js";

/** @typedef {import("./desk.js").Desk} Desk */

/** @type {Record<string, (desk: Desk) => void>} */
const KEYS = {
  v: (desk) => chooseTool(desk, "select"), b: (desk) => chooseTool(desk, "brush"), e: (desk) => chooseTool(desk, "eraser"),
  k: (desk) => chooseTool(desk, "drop"), z: (desk) => chooseTool(desk, "zone"),
  "[": (desk) => enlarge(desk, -1), "]": (desk) => enlarge(desk, 1),
  l: (desk) => chooseTool(desk, "outline"), w: (desk) => chooseTool(desk, "smart"), m: (desk) => toggle(desk, "magnet"),
  ">": (desk) => swell(desk, 1), "<": (desk) => swell(desk, 0), c: fillMask, t: toggleLock,
  f: fit, 0: zoomWhole, "+": (desk) => zoomBy(desk, 1.25), "=": (desk) => zoomBy(desk, 1.25), "-": (desk) => zoomBy(desk, 1 / 1.25),
  h: (desk) => toggle(desk, "heat"), o: (desk) => toggle(desk, "outline"),
  d: (desk) => decide(desk, "defective"), g: (desk) => decide(desk, "good"), s: (desk) => decide(desk, "skipped"),
  u: (desk) => decide(desk, "undecided"),
  ArrowLeft: (desk) => step(desk, -1), ArrowRight: (desk) => step(desk, 1),
  ...Object.fromEntries(Array.from({ length: 9 }, (_, k) => [String(k + 1), (/** @type {Desk} */ desk) => classify(desk, desk.classes[k])])),
  Delete: dropSelected, Backspace: dropSelected,
  p: stamp, n: (desk) => { if (!desk.$(".as-good").hidden) askNormal(desk); }, "?": help,
};
/** While an outline is drawn. @type {Record<string, (desk: Desk) => void>} */
const DRAFTING = { Enter: (desk) => closeOutline(desk), Escape: dropOutline, Backspace: uncorner };
/** What the help says of each key; the sentence on the canvas names the first of them. @type {[string, string][]} */
export const KEY_WORDS = [
  ["D, G, S", "Defective, good, skip; the same again or U takes it back"],
  ["← →", "Previous and next image"],
  ["V", "Select a region, drag to move the image"], ["B, E", "Brush, eraser; Alt or the right button does the opposite, Shift draws a box"],
  ["[ ], Alt+wheel", "Size of the brush"], ["L", "Outline: click corners (Enter closes, Backspace takes one back, Esc drops it) or drag freely"],
  ["W", "Smart select: click, drag right for more"], ["M", "Magnet: an outline shrinks to what stands out of the map"],
  ["< >", "Shrink or grow the mask, or the selected region"], ["C", "Close the holes of the mask"], ["T", "Lock or unlock the image"], ["K", "Keep or drop a region"], ["Z", "Ignore zone"], ["Delete", "Drop the selected region"],
  ["1 to 9", "Class of the selected region"], ["P", "Mark what is in the middle of the view"], ["Ctrl+Z, Ctrl+Shift+Z", "Undo, redo"],
  ["H, O", "Heat map, outline"], ["N", "As a good part, or this place on good parts"], ["+ − wheel", "Zoom"], ["F, 0", "Fit the image, 100 %"],
  ["Space, Shift+arrows", "Move the image"], ["?", "These keys"],
];
/** @type {Record<string, [number, number]>} */
const PAN = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
const STRIDE = 0.15;
const WRITTEN_IN = "input:not([type=range], [type=checkbox], [type=file]), textarea, select, [contenteditable]";

/** @param {Desk} desk */
export function listenToKeys(desk) {
  const { element } = desk, page = /** @type {Window & { ddadActive?: Element }} */ (window);
  page.ddadActive ??= element;
  element.addEventListener("pointerdown", () => { page.ddadActive = element; }, true);
  element.addEventListener("focusin", () => { page.ddadActive = element; });
  document.addEventListener("keydown", (event) => {
    if (element.querySelector("dialog[open]")) return;
    if (desk.now && element.isConnected && page.ddadActive === element && element.offsetParent) keyed(desk, event);
  });
  document.addEventListener("keyup", (event) => {
    if (event.key !== " ") return;
    desk.spaceHeld = false; desk.stage.dataset.held = "";
  });
}

/** All keys, in a box over the page. @param {Desk} desk */
export function help(desk) {
  desk.$(".key-list").replaceChildren(...KEY_WORDS.flatMap(([key, what]) => [make("dt", "", key), make("dd", "", what)]));
  /** @type {HTMLDialogElement} */ (desk.$(".help")).showModal();
}

/** @param {Desk} desk @param {KeyboardEvent} event */
function keyed(desk, event) {
  const target = /** @type {Element} */ (event.target);
  if (target !== document.body && !desk.element.contains(target) && (event.key.startsWith("Arrow") || target.closest("input, select"))) return;
  if (target.closest(WRITTEN_IN)) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const act = actionOf(desk, event, key, target.matches("input"), !!target.closest("button, summary, a, input"));
  if (!act) return;
  event.preventDefault();
  act(desk);
}

/**
 * What a key does, unless it is the focused control's own.
 * @param {Desk} desk @param {KeyboardEvent} event @param {string} key @param {boolean} ranged @param {boolean} button
 * @returns {((desk: Desk) => void) | undefined}
 */
function actionOf(desk, event, key, ranged, button) {
  const control = event.ctrlKey || event.metaKey;
  if (control && (key === "z" || key === "y")) return () => again(desk, key === "y" || event.shiftKey ? "redo" : "undo");
  if (control || event.altKey) return undefined;
  if (desk.draft && !button && DRAFTING[key]) return DRAFTING[key];
  if (key === " " && !button) return () => { desk.spaceHeld = true; desk.stage.dataset.held = "pan"; };
  if (event.shiftKey && PAN[key] && !ranged) {
    const [x, y] = PAN[key];
    return () => pan(desk, x * STRIDE * desk.photo.width, y * STRIDE * desk.photo.height);
  }
  return (button && key === "Enter") || (ranged && key.startsWith("Arrow")) ? undefined : KEYS[key];
}
