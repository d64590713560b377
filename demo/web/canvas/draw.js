// A frame: three layers over one another, photograph, heat with mask, cursor.
import { settle } from "./analysis.js";
import { drawCursor } from "./cursor.js";
import { shown } from "./desk.js";
import { inSight, isEmpty } from "./geometry.js";
import { drawOverlay } from "./overlay.js";

/** @typedef {import("./desk.js").Desk} Desk */

/** @param {Desk} desk */
export function draw(desk) {
  settle(desk);  // may ask for a frame, which is this one
  desk.frame = 0;
  if (!desk.now) return;
  const began = performance.now();
  if (desk.stalePhoto) drawPhoto(desk);
  if (desk.staleRect) drawOverlay(desk, desk.staleRect);
  desk.stalePhoto = false; desk.staleRect = null;
  drawCursor(desk);
  const { desk: watched } = /** @type {HTMLElement & { desk: { work?: number[] } }} */ (desk.$(".viewer"));
  watched.work?.push(performance.now() - began + desk.spent);
  desk.spent = 0;
}

/** @param {Desk} desk */
function drawPhoto(desk) {
  const { photo, view } = desk, now = shown(desk), { scale } = view;
  const context = /** @type {CanvasRenderingContext2D} */ (photo.getContext("2d"));
  context.clearRect(0, 0, photo.width, photo.height);
  const part = inSight(view, photo, now), { left, top } = part, width = part.right - left, height = part.bottom - top;
  if (isEmpty(part)) return;
  context.imageSmoothingEnabled = scale < 4;
  context.drawImage(now.picture, left, top, width, height, view.x + left * scale, view.y + top * scale, width * scale, height * scale);
}
