// A label is anchored at a pixel of its region, so that it survives a change of the threshold.
import { regionAt } from "./regions.js";

/**
 * @typedef {import("./regions.js").Region} Region
 * @typedef {{ x: number, y: number, label: string }} Label in pixels of the original
 * @typedef {{ labels: Label[], shrink: number, width: number, found: import("./regions.js").Found }} Labelled
 */

/** @param {Labelled} image @param {Region} region @param {Label} label */
function isIn({ found, shrink, width }, region, { x, y }) {
  const k = regionAt(found, Math.floor(y * shrink) * width + Math.floor(x * shrink));
  return k >= 0 && found.regions[k] === region;
}

/** @param {Labelled} image @param {Region} region */
export function labelOf(image, region) {
  return image.labels.find((label) => isIn(image, region, label))?.label ?? "";
}

/** The labels with this one for the region; an empty one takes it away. @param {Labelled} image @param {Region} region @param {string} label */
export function relabelled(image, region, label) {
  const others = image.labels.filter((each) => !isIn(image, region, each)), unit = 1 / image.shrink;
  if (!label) return others;
  const x = Math.floor((region.at % image.width + 0.5) * unit);
  const y = Math.floor((Math.floor(region.at / image.width) + 0.5) * unit);
  return [...others, { x, y, label }];
}
