// Which part of the image is on the screen, and how large.
import { shown } from "./desk.js";
import { schedule } from "./frame.js";
import { fitted, panned, zoomed, zoomedTo } from "./geometry.js";

/** @typedef {import("./desk.js").Desk} Desk */

/** Heat and mask are made at the screen's resolution: a large window gets fewer pixels. */
const MOST_PIXELS = 1.3e6;

/** The desk takes what the window leaves below what stands above it. @param {Desk} desk */
export function fitScreen({ element }) {
  const top = element.getBoundingClientRect().top + window.scrollY;
  element.style.setProperty("--top", `${Math.ceil(top)}px`);
}

/** @param {Desk} desk */
export function fitStage(desk) {
  const { view } = desk, box = desk.stage.getBoundingClientRect();
  if (!box.width || !box.height) return;
  view.ratio = Math.min(window.devicePixelRatio || 1, Math.sqrt(MOST_PIXELS / (box.width * box.height)));
  const width = Math.round(box.width * view.ratio), height = Math.round(box.height * view.ratio);
  for (const canvas of [desk.photo, desk.overlay, desk.cursor])
    if (canvas.width !== width || canvas.height !== height) { canvas.width = width; canvas.height = height; }
  if (view.fitted) fit(desk); else schedule(desk, "view");
}

/** @param {Desk} desk */
export function fit(desk) {
  if (desk.now) look(desk, fitted(desk.photo, desk.now));
}

/** `at`, in device pixels, stays where it is. @param {Desk} desk @param {number} scale @param {{ x: number, y: number }} [at] */
export function zoomTo(desk, scale, at = { x: desk.photo.width / 2, y: desk.photo.height / 2 }) {
  if (desk.now) look(desk, zoomed(desk.view, desk.photo, desk.now, scale, at));
}

/** @param {Desk} desk @param {number} by */
export const zoomBy = (desk, by) => zoomTo(desk, desk.view.scale * by);

/** One image pixel a pixel of the page's layout. @param {Desk} desk */
export const zoomWhole = (desk) => zoomTo(desk, desk.view.ratio / shown(desk).shrink);

/** @param {Desk} desk @param {import("./geometry.js").Rect} region */
export const zoomToRegion = (desk, region) => look(desk, zoomedTo(desk.photo, shown(desk), region));

/** @param {Desk} desk @param {number} dx @param {number} dy */
export function pan(desk, dx, dy) {
  Object.assign(desk.view, panned(desk.view, desk.photo, shown(desk), dx, dy));
  schedule(desk, "view");
}

/** @param {Desk} desk @param {Partial<Desk["view"]>} next */
function look(desk, next) {
  const { view } = desk;
  Object.assign(view, next);
  // 100 % is one image pixel on one pixel of the page's layout; images over the limit are smaller.
  desk.$(".zoom-out").textContent = `${Math.round((100 * view.scale * shown(desk).shrink) / view.ratio)} %`;
  schedule(desk, "view");
}
