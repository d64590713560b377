// Heat and mask over the photograph, pixel by pixel of the screen: the cost depends on the window
// and not on the image's size.
import { shown } from "./desk.js";
import { isEmpty, onScreen } from "./geometry.js";
import { clipped, gainOf } from "./heat.js";
import { rowsSeen } from "./maps.js";

const WHITE = 0xffffffff, RIM = 0xc0000000, HATCH = 0x80ffffff, ZONE = 0x99504438, ZONE_LINE = 0xe0d8c8b0;
/** A multiple of every period, so that the remainder of a place left of the image is not negative. */
const FAR = 1048576;

/**
 * @typedef {import("./desk.js").Desk} Desk
 * @typedef {{ mask: Uint8Array, zone: Uint8Array, map: Float32Array, low: number, gain: number,
 *   heat: Uint32Array | null, outline: boolean, thick: number, column: Int32Array }} Ground
 *   `heat`: null where none is seen; `column`: the image's column under each of the screen's, from
 *   `thick` before the first
 */

/** @param {Desk} desk @param {import("./geometry.js").Rect | "all"} rect of the image */
export function drawOverlay(desk, rect) {
  const { view, overlay } = desk, now = shown(desk), thick = Math.max(1, Math.round(1.4 * view.ratio));
  const part = rect === "all"
    ? { left: 0, top: 0, right: overlay.width, bottom: overlay.height }
    : onScreen(view, overlay, rect, thick + 1);
  if (isEmpty(part)) return;
  const { left, top } = part, width = part.right - left, height = part.bottom - top;
  const context = /** @type {CanvasRenderingContext2D} */ (overlay.getContext("2d"));
  const data = context.createImageData(width, height), pixels = new Uint32Array(data.data.buffer);
  const ground = {
    mask: now.mask, zone: now.zone, map: now.map, low: now.low, gain: gainOf(now),
    heat: desk.options.heat || now.look !== null ? desk.heat : null, outline: desk.options.outline, thick, column: columnsOf(view, left - thick, width + 2 * thick, now.width),
  };
  const scale = now.scales[now.look ?? -1];
  const seen = scale && rowsSeen(scale.map, width, (x) => (left + x + 0.5 - view.x) / view.scale / now.width);
  const row = (/** @type {number} */ y) => {
    const at = Math.floor((y + 0.5 - view.y) / view.scale);
    return at >= 0 && at < now.height ? at * now.width : -1;
  };
  const period = 7 * thick, moved = Math.round(view.x + view.y), across = Math.round(view.x - view.y);
  for (let y = 0; y < height; y++) {
    const here = row(top + y), up = row(top + y - thick), down = row(top + y + thick);
    if (here < 0 && up < 0 && down < 0) continue;
    const hatch = left + top + y - moved + FAR * period, lines = left - top - y - across + FAR * period;
    const values = seen?.((top + y + 0.5 - view.y) / view.scale / now.height) ?? null;
    drawRow(pixels.subarray(y * width, (y + 1) * width), ground, here, up, down, hatch, lines, values);
  }
  context.putImageData(data, left, top);
}

/** The image's column under each column of the screen, -1 for none. @param {Desk["view"]} view @param {number} first @param {number} length @param {number} columns */
function columnsOf(view, first, length, columns) {
  const column = new Int32Array(length);
  for (let x = 0; x < length; x++) {
    const at = Math.floor((first + x + 0.5 - view.x) / view.scale);
    column[x] = at >= 0 && at < columns ? at : -1;
  }
  return column;
}

/**
 * One row of the screen. `here`, `up` and `down` are where the image's rows begin under it and a
 * line's thickness away, -1 for none; `hatch` and `lines` how far along the two patterns it begins.
 * @param {Uint32Array} out @param {Ground} ground @param {number} here @param {number} up @param {number} down
 * @param {number} hatch @param {number} lines @param {Float32Array | null} values in the place of the mean's
 */
function drawRow(out, ground, here, up, down, hatch, lines, values) {
  const { mask, zone, map, low, gain, heat, outline, thick: t, column } = ground, period = 7 * t;
  for (let x = 0; x < out.length; x++) {
    const c = column[x + t], inside = here >= 0 && c >= 0;
    const i = here + c, marked = inside ? mask[i] : 0;
    let colour = 0;
    if (outline) {
      const l = column[x], r = column[x + 2 * t];
      const edge = (here >= 0 && ((l >= 0 ? mask[here + l] : 0) !== marked || (r >= 0 ? mask[here + r] : 0) !== marked)) ||
        (c >= 0 && ((up >= 0 ? mask[up + c] : 0) !== marked || (down >= 0 ? mask[down + c] : 0) !== marked));
      if (edge) colour = marked ? WHITE : RIM;
      else if (marked && (hatch + x) % period < t) colour = HATCH;
    }
    if (!colour && inside) {
      if (zone[i]) colour = (lines + x) % period < t ? ZONE_LINE : ZONE;
      else if (heat) colour = heat[clipped(((values ? values[x] : map[i]) - low) * gain)];
    }
    out[x] = colour;
  }
}
