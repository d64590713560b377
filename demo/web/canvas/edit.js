// Strokes, boxes, regions dropped and kept, masks brought in; and their undoing.
import { later, recombine, refresh, repropose, rescore, settle } from "./analysis.js";
import { shown } from "./desk.js";
import { schedule, timed } from "./frame.js";
import { boxed, isEmpty, union } from "./geometry.js";
import { record, recordSetting, replay } from "./history.js";
import { fuse } from "./maps.js";
import { bringUp, rowsOf } from "./mask.js";
import { fillRegion, regionAt } from "./regions.js";
import { select, table } from "./rows.js";
import { complain, save } from "./saving.js";
import { eachInStroke } from "./strokes.js";
import { chips, controls, describe, permalink, steps } from "./verdict.js";

/**
 * @typedef {import("./desk.js").Desk} Desk
 * @typedef {import("./history.js").Change} Change
 * @typedef {import("./geometry.js").Box} Box
 * @typedef {{ x: number, y: number }} Point of the image
 */

/** Before a change. @param {Desk} desk @param {import("./history.js").Layer} layer @returns {Change} */
export function begin(desk, layer) {
  settle(desk);
  return { layer, before: shown(desk)[layer].slice(), rect: null };
}

/** After it. @param {Desk} desk @param {Change} change */
export function commit(desk, change) {
  const entry = record(shown(desk), change);
  if (entry) edited(desk, entry);
}

/** A stroke that is not over ends here: it belongs to the image that it was begun on. @param {Desk} desk */
export function endStroke(desk) {
  const { gesture } = desk;
  if (gesture?.kind !== "stroke" && gesture?.kind !== "box" && gesture?.kind !== "smart") return;
  desk.gesture = null;
  shown(desk).box = null;
  commit(desk, gesture.change);
}

/** A change is as if it had not begun. @param {Desk} desk @param {Change} change */
export function takeBack(desk, { layer, before, rect }) {
  const now = shown(desk);
  now[layer].set(before);
  now.box = null;
  if (rect) recombine(desk, rect);
}

/** @param {Desk} desk @param {"undo" | "redo"} way */
export function again(desk, way) {
  if (!desk.now || !editable(desk)) return;
  const entry = replay(desk.now, way);
  if (!entry) return;
  if ("was" in entry) return reset(desk, Object.keys(entry.was));
  recombine(desk, entry.rect);
  edited(desk, entry);
}

/** What can be set and undone. @typedef {"threshold" | "least" | "fill" | "on" | "labels" | "decision"} Settable */

/** Sets something that can be undone. @param {Desk} desk @param {Partial<Record<Settable, any>>} values */
export function set(desk, values) {
  const now = shown(desk), keys = /** @type {Settable[]} */ (Object.keys(values));
  const was = Object.fromEntries(keys.map((key) => [key, now[key]]));
  Object.assign(now, values);
  recordSetting(now, was, values, performance.now());
  steps(desk);
}

/** What follows from a setting that was undone or done again. @param {Desk} desk @param {string[]} keys */
function reset(desk, keys) {
  const now = shown(desk);
  if (keys.includes("on")) { fuse(now.scales, now.on, now.width, now.height, now.map); rescore(desk); }
  controls(desk); repropose(desk); refresh(desk); table(desk);
  chips(desk); steps(desk); permalink(desk); save(desk);
}

/** Whether the image may be changed; says so where it may not. @param {Desk} desk */
export function editable(desk) {
  const { now } = desk;
  if (now?.locked) complain(desk, "This image is locked: unlock it to change it.");
  return !!now && !now.locked;
}

/** @param {Desk} desk */
export function toggleLock(desk) {
  const now = shown(desk);
  now.locked = !now.locked;
  complain(desk);
  chips(desk); save(desk);
}

/** What follows from a change of a layer. @param {Desk} desk @param {import("./history.js").Patch} entry */
function edited(desk, { layer, rect }) {
  const now = shown(desk), rows = { ...rect, left: 0, right: now.width };
  if (layer === "paint") now.painted = rowsOf(now.paint, now.width, union(now.painted, rows));
  else { now.zoned = rowsOf(now.zone, now.width, union(now.zoned, rows)); rescore(desk); }
  chips(desk); steps(desk); describe(desk); later(desk); save(desk);
}

/** @param {Desk} desk @param {{ value: number, change: Change }} stroke @param {Point} from @param {Point} to */
export function paintSegment(desk, { value, change }, from, to) {
  timed(desk, () => {
    const now = shown(desk), layer = now[change.layer];
    const rect = eachInStroke(from, to, desk.options.size / 2, now.width, now.height, (i) => {
      layer[i] = value;
      now.area += bringUp(now, i);
    });
    change.rect = union(change.rect, rect);
    schedule(desk, "overlay", rect);
  });
}

/** @param {Desk} desk @param {{ value: number, change: Change }} stroke @param {Box} box */
export function fillBox(desk, { value, change }, box) {
  const now = shown(desk), rect = boxed(box, now), layer = now[change.layer];
  for (let y = rect.top; y < rect.bottom; y++) layer.fill(value, y * now.width + rect.left, y * now.width + rect.right);
  change.rect = union(change.rect, rect);
  if (!isEmpty(rect)) recombine(desk, rect);
}

/** Clears a region, or gives back one that was cleared. @param {Desk} desk @param {number} k @param {boolean} removed */
export function toggleRegion(desk, k, removed) {
  if (!editable(desk)) return;
  const now = shown(desk), marked = refresh(desk), found = removed ? now.removed : marked, change = begin(desk, "paint");
  fillRegion(found, k, now.paint, removed ? 0 : 2);
  const { left, top, right, bottom } = found.regions[k];
  change.rect = { left, top, right, bottom };
  recombine(desk, change.rect);
  commit(desk, change);
}

/** @param {Desk} desk */
export function dropSelected(desk) {
  const { selected } = shown(desk);
  if (selected >= 0 && refresh(desk).regions[selected]) toggleRegion(desk, selected, false);
}

/** A click on the image: selects a region, or drops it, or keeps it after all. @param {Desk} desk @param {Point} point @param {boolean} drop */
export function pick(desk, point, drop) {
  const now = shown(desk), x = Math.floor(point.x), y = Math.floor(point.y);
  if (x < 0 || y < 0 || x >= now.width || y >= now.height) return;
  const region = regionAt(refresh(desk), y * now.width + x);
  if (!drop) return select(desk, region, false);
  if (region >= 0) return toggleRegion(desk, region, false);
  const removed = regionAt(now.removed, y * now.width + x);
  if (removed >= 0) toggleRegion(desk, removed, true);
}

/** A mask in place of all that was painted. @param {Desk} desk @param {(paint: Uint8Array) => void} write */
export function replaceMask(desk, write) {
  if (!editable(desk)) return;
  const now = shown(desk), change = begin(desk, "paint");
  write(now.paint);
  change.rect = { left: 0, top: 0, right: now.width, bottom: now.height };
  recombine(desk, change.rect);
  commit(desk, change);
}
