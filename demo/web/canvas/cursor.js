// The uppermost layer: boxes of regions, the box being drawn, the brush.
import { colourOf } from "./classes.js";
import { shown } from "./desk.js";
import { drawLine } from "./normal.js";
import { regionAt } from "./regions.js";
import { SIZED } from "./strokes.js";

/**
 * @typedef {import("./desk.js").Desk} Desk
 * @typedef {(paint: () => void) => void} Twice
 */

/** @param {Desk} desk */
export function drawCursor(desk) {
  const { cursor, view } = desk, line = view.ratio;
  const context = /** @type {CanvasRenderingContext2D} */ (cursor.getContext("2d"));
  context.clearRect(0, 0, cursor.width, cursor.height);
  /** Light on dark: seen on any ground. @type {Twice} */
  const twice = (paint) => {
    context.lineWidth = 3 * line; context.strokeStyle = "rgba(0,0,0,.75)"; paint();
    context.lineWidth = 1.4 * line; context.strokeStyle = "#fff"; paint();
  };
  drawRegions(desk, context, twice);
  drawLabels(desk, context);
  drawLine(desk, context, twice);
  const { box } = shown(desk);
  if (box) {
    const { x0, y0, x1, y1 } = box, { scale, x, y } = view;
    twice(() => context.strokeRect(x0 * scale + x, y0 * scale + y, (x1 - x0) * scale, (y1 - y0) * scale));
  }
  if (desk.draft) drawDraft(desk, twice, context);
  if (desk.hover && SIZED.has(desk.tool)) drawBrush(desk, context, twice, desk.hover);
}

/** The chosen one in a frame, those too small for an outline in a ring. @param {Desk} desk @param {CanvasRenderingContext2D} context @param {Twice} twice */
function drawRegions({ view, now, options }, context, twice) {
  const line = view.ratio, tiny = 5 * line;
  for (const [k, region] of (now?.found?.regions ?? []).entries()) {
    const x = region.left * view.scale + view.x, y = region.top * view.scale + view.y;
    const width = (region.right - region.left) * view.scale, height = (region.bottom - region.top) * view.scale;
    if (k === now?.selected) {
      context.setLineDash([6 * line, 4 * line]);
      twice(() => context.strokeRect(x - 4 * line, y - 4 * line, width + 8 * line, height + 8 * line));
      context.setLineDash([]);
    } else if (options.outline && k < 300 && width < tiny && height < tiny)
      twice(() => { context.beginPath(); context.arc(x + width / 2, y + height / 2, 6 * line, 0, 7); context.stroke(); });
  }
}

/** The outline so far, and where a click would lead it. @param {Desk} desk @param {Twice} twice @param {CanvasRenderingContext2D} context */
function drawDraft({ draft, hover, view }, twice, context) {
  const points = (draft ?? []).map(({ x, y }) => ({ x: x * view.scale + view.x, y: y * view.scale + view.y }));
  twice(() => {
    context.beginPath();
    for (const { x, y } of hover ? [...points, hover] : points) context.lineTo(x, y);
    context.stroke();
    const [first] = points;
    context.beginPath(); context.arc(first.x, first.y, 5 * view.ratio, 0, 7); context.stroke();
  });
}

/** A tag at each region that has a label, in its class's colour. @param {Desk} desk @param {CanvasRenderingContext2D} context */
function drawLabels(desk, context) {
  const { view } = desk, { labels, found, shrink, width } = shown(desk), size = 12 * view.ratio;
  if (!found) return;
  context.font = `600 ${size}px system-ui, sans-serif`;
  context.textBaseline = "bottom";
  for (const { x, y, label } of labels) {
    const region = found.regions[regionAt(found, Math.floor(y * shrink) * width + Math.floor(x * shrink))];
    if (!region) continue;
    const left = region.left * view.scale + view.x, bottom = region.top * view.scale + view.y - 2 * view.ratio;
    context.fillStyle = "#0f172acc";
    context.fillRect(left, bottom - size * 1.3, context.measureText(label).width + size * 1.4, size * 1.4);
    context.fillStyle = colourOf(desk, label);
    context.fillRect(left + size * 0.3, bottom - size, size * 0.5, size * 0.8);
    context.fillStyle = "#fff";
    context.fillText(label, left + size, bottom);
  }
}

/** @param {Desk} desk @param {CanvasRenderingContext2D} context @param {Twice} twice @param {NonNullable<Desk["hover"]>} hover */
function drawBrush({ view, options }, context, twice, { x, y, erasing }) {
  const radius = (options.size / 2) * view.scale, half = 4 * view.ratio;
  twice(() => { context.beginPath(); context.arc(x, y, Math.max(2, radius), 0, 7); context.stroke(); });
  if (erasing) twice(() => { context.beginPath(); context.moveTo(x - half, y); context.lineTo(x + half, y); context.stroke(); });
}
