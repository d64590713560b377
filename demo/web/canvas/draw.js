// A frame: three layers over one another, photograph, heat with mask, cursor.
import { settle } from "./analysis.js";
import { drawCursor } from "./cursor.js";
import { shown } from "./desk.js";
import { inSight, isEmpty } from "./geometry.js";
import { drawNormal } from "./normal.js";
import { drawOverlay } from "./overlay.js";
import { under } from "./under.js";

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
  under(desk);
  drawFindings(desk);
  const { desk: watched } = /** @type {HTMLElement & { desk: { work?: number[] } }} */ (desk.$(".viewer"));
  watched.work?.push(performance.now() - began + desk.spent);
  desk.spent = 0;
}

const PLACES = 12;

/** Where there is less or more than on good parts, dashed, if that makes the verdict. @param {Desk} desk */
function drawFindings(desk) {
  const { view, cursor } = desk, now = shown(desk);
  if ((now.composition ?? -Infinity) <= now.threshold || now.withheld) return;
  const context = /** @type {CanvasRenderingContext2D} */ (cursor.getContext("2d"));
  const width = (now.width * view.scale) / PLACES, height = (now.height * view.scale) / PLACES;
  context.save();
  context.lineWidth = 2 * view.ratio;
  context.setLineDash([5 * view.ratio, 4 * view.ratio]);
  for (const [, places] of now.findings ?? [])
    for (const colour of ["#000c", "#fff"]) {
      context.strokeStyle = colour;
      context.lineDashOffset = colour === "#fff" ? 0 : 4.5 * view.ratio;
      for (const place of places)
        context.strokeRect(view.x + (place % PLACES) * width, view.y + Math.floor(place / PLACES) * height, width, height);
    }
  context.restore();
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
  drawNormal(desk, context);
}
