// What follows from a change of map, threshold or clean-up: proposal, mask, score, regions, words.
import { percent } from "../text.js";
import { shown } from "./desk.js";
import { schedule, timed } from "./frame.js";
import { fuse, peakOf } from "./maps.js";
import { cleared, combine, propose } from "./mask.js";
import { findRegions } from "./regions.js";
import { table } from "./rows.js";
import { strip } from "./strip.js";
import { describe, measure } from "./verdict.js";

/** @typedef {import("./desk.js").Desk} Desk */

const REST = 150;

/** The model's proposal anew, below what was painted. @param {Desk} desk */
export function repropose(desk) {
  const now = shown(desk);
  timed(desk, () => {
    now.stale = false;
    now.area = propose(now.map, now.threshold, now.width, now.least, now.fill, now.proposal);
    now.mask.set(now.proposal);
    for (const rows of [now.painted, now.zoned]) if (rows) now.area += combine(now, rows);
    schedule(desk, "overlay");
    describe(desk);
    later(desk);
  });
}

/** The mask up to date with map and threshold. @param {Desk} desk */
export function settle(desk) {
  if (desk.now?.stale) repropose(desk);
}

/** The mask anew within a rectangle that was painted. @param {Desk} desk @param {import("./geometry.js").Rect} rect */
export function recombine(desk, rect) {
  const now = shown(desk);
  now.area += combine(now, rect);
  schedule(desk, "overlay", rect);
}

/** Regions and their table follow when the hand rests. @param {Desk} desk */
export function later(desk) {
  const now = shown(desk);
  desk.put(".area", percent(now.area / now.mask.length));
  now.found = null;
  clearTimeout(desk.tableTimer);
  desk.tableTimer = setTimeout(() => { if (desk.now && !desk.now.found) { refresh(desk); table(desk); } }, REST);
}

/** Regions up to date with the mask, for whoever is about to use them. @param {Desk} desk */
export function refresh(desk) {
  settle(desk);
  const now = shown(desk);
  if (!now.found) {
    now.found = findRegions(now.mask, now.width, now.map);
    now.removed = findRegions(cleared(now, now.painted), now.width, now.map);
    now.selected = -1;
    measure(desk);
    schedule(desk, "cursor");
  }
  return now.found;
}

/** The score anew, after a change of map or zone. @param {Desk} desk */
export function rescore(desk) {
  const now = shown(desk);
  Object.assign(now, peakOf(now.map, now.zone, now.composition));
  strip(desk);
}

/** The mean anew, after a scale was taken into it or out of it. @param {Desk} desk */
export function switchScales(desk) {
  const now = shown(desk);
  fuse(now.scales, now.on, now.width, now.height, now.map);
  rescore(desk);
  now.stale = true;  // the next frame proposes: together they would hold up the hand on a large image
  schedule(desk, "overlay");
}
