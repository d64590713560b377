// Tools that mark an area at once: an outline of clicks or of one drag, and what grows from a click.
import { recombine, refresh } from "./analysis.js";
import { shown } from "./desk.js";
import { begin, commit, editable } from "./edit.js";
import { schedule } from "./frame.js";
import { isEmpty, union } from "./geometry.js";
import { clipped, gainOf } from "./heat.js";
import { paste, crop } from "./history.js";
import { holesOf } from "./mask.js";
import { fillRegion } from "./regions.js";
import { partingLevel, runsInside, spanned, spread } from "./shapes.js";
import { distances, eachWithin, windowAround } from "./smart.js";
import { PAINTS } from "./strokes.js";

/**
 * @typedef {import("./desk.js").Desk} Desk
 * @typedef {import("./shapes.js").Point} Point
 * @typedef {import("./smart.js").Reach} Reach
 * @typedef {{ kind: "smart", value: number, change: import("./history.js").Change, reach: Reach, from: Point, was: Uint8Array, most: number }} Growing
 */

/** How far it grows from a click, and by how much more for each pixel of the layout that is dragged. */
const GROWN = 48, A_PIXEL = 2;
const CLOSE = 10;

/** A click of the outline tool: another corner, or the first one again, which closes it. @param {Desk} desk @param {Point} point @param {boolean} opposite */
export function corner(desk, point, opposite) {
  const { draft, view } = desk, first = draft?.[0];
  if (draft && first && draft.length > 2 && Math.hypot(first.x - point.x, first.y - point.y) * view.scale < CLOSE * view.ratio)
    return closeOutline(desk, opposite);
  desk.draft = [...(draft ?? []), point];
  schedule(desk, "cursor");
}

/** Takes the last corner back. @param {Desk} desk */
export function uncorner(desk) {
  desk.draft = desk.draft && desk.draft.length > 1 ? desk.draft.slice(0, -1) : null;
  schedule(desk, "cursor");
}

/** @param {Desk} desk */
export function dropOutline(desk) {
  desk.draft = null;
  schedule(desk, "cursor");
}

/** Marks what the outline encloses; with the magnet on, what stands out of the map there. @param {Desk} desk @param {boolean} opposite */
export function closeOutline(desk, opposite = false) {
  const { draft: points } = desk, brush = PAINTS.outline;
  dropOutline(desk);
  if (!points || points.length < 3 || !editable(desk)) return;
  const { paint, map, width, height } = shown(desk), change = begin(desk, "paint"), value = opposite ? brush.other : brush.value;
  const runs = runsInside(points, width, height), level = desk.options.magnet ? partingLevel(map, runs) : -Infinity;
  for (const [start, stop] of runs) {
    if (level === -Infinity) paint.fill(value, start, stop);
    else for (let i = start; i < stop; i++) if (map[i] >= level) paint[i] = value;
  }
  change.rect = spanned(points, width, height);
  finish(desk, change);
}

/** @param {Desk} desk @param {import("./history.js").Change} change */
function finish(desk, change) {
  if (!change.rect || isEmpty(change.rect)) return;
  recombine(desk, change.rect);
  commit(desk, change);
}

/** A press of the smart tool: from there it grows, farther as the pointer is dragged. @param {Desk} desk @param {Point} from @param {boolean} opposite @returns {Growing | null} */
export function startGrowing(desk, from, opposite) {
  const now = shown(desk), x = Math.floor(from.x), y = Math.floor(from.y);
  if (x < 0 || y < 0 || x >= now.width || y >= now.height) return null;
  const rect = windowAround(x, y, now), width = rect.right - rect.left, change = begin(desk, "paint"), brush = PAINTS.smart;
  const far = distances(greys(desk, rect), levels(desk, rect), width, (y - rect.top) * width + x - rect.left);
  change.rect = rect;
  /** @type {Growing} */
  const growing = { kind: "smart", value: opposite ? brush.other : brush.value, change, reach: { rect, far }, from, was: crop(now.paint, now.width, rect), most: 0 };
  grow(desk, growing, 0);
  return growing;
}

/** @param {Desk} desk @param {Growing} growing @param {number} dragged to the right or upwards, in device pixels */
export function grow(desk, growing, dragged) {
  const now = shown(desk), { reach, was, value } = growing, most = Math.max(1, Math.round(GROWN + (A_PIXEL * dragged) / desk.view.ratio));
  if (most === growing.most) return;
  growing.most = most;
  paste(now.paint, now.width, reach.rect, was);
  eachWithin(reach, most, now.width, (i) => { now.paint[i] = value; });
  recombine(desk, reach.rect);
}

/** Has the photograph's pixels at hand: a browser decodes a large one anew for each look into it. @param {Desk} desk */
export async function prepare(desk) {
  const { now } = desk;
  if (desk.tool === "smart" && now && !now.bitmap) now.bitmap = await createImageBitmap(now.picture);
}

/** The photograph's greys in a rectangle. @param {Desk} desk @param {import("./geometry.js").Rect} rect */
function greys(desk, { left, top, right, bottom }) {
  const now = shown(desk), width = right - left, height = bottom - top, canvas = new OffscreenCanvas(width, height);
  const context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d", { willReadFrequently: true }));
  context.drawImage(now.bitmap ?? now.picture, left, top, width, height, 0, 0, width, height);
  const { data } = context.getImageData(0, 0, width, height), grey = new Uint8Array(width * height);
  for (let k = 0; k < grey.length; k++) grey[k] = (data[4 * k] * 77 + data[4 * k + 1] * 150 + data[4 * k + 2] * 29) >> 8;
  return grey;
}

/** The map's levels there. @param {Desk} desk @param {import("./geometry.js").Rect} rect */
function levels(desk, { left, top, right, bottom }) {
  const now = shown(desk), gain = gainOf(now), out = new Uint8Array((right - left) * (bottom - top));
  for (let y = top, k = 0; y < bottom; y++)
    for (let i = y * now.width + left, stop = y * now.width + right; i < stop; i++, k++) out[k] = clipped((now.map[i] - now.low) * gain);
  return out;
}

/** The chosen region, or the whole mask, a pixel larger (1) or smaller (0). @param {Desk} desk @param {0 | 1} value */
export function swell(desk, value) {
  if (!editable(desk)) return;
  const { regions } = refresh(desk), now = shown(desk), chosen = regions[now.selected];
  const rect = chosen ?? regions.reduce((all, region) => union(all, region), /** @type {import("./geometry.js").Rect | null} */ (null));
  if (!rect) return;
  const change = begin(desk, "paint");
  change.rect = spread(now.mask, now.width, now.height, rect, value, (i) => { now.paint[i] = value ? 1 : 2; });
  finish(desk, change);
}

/** Marks the holes of the mask. @param {Desk} desk */
export function fillMask(desk) {
  if (!editable(desk)) return;
  const now = shown(desk), { found, holes } = holesOf(now.mask, now.width), change = begin(desk, "paint");
  for (const k of holes) {
    fillRegion(found, k, now.paint, 1);
    change.rect = union(change.rect, found.regions[k]);
  }
  finish(desk, change);
}
