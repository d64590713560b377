// What calibration promises of a threshold.
import { local } from "./language/words.js";

/**
 * How many good parts' photographs of calibration a threshold marks, and what that promises: the
 * share of new good parts above it, and between what and what it lies; in per cent, or "" where
 * nothing can be promised.
 * @param {number[]} normals scores of the good parts
 * @param {string[][]} promised [rate, low, high] for 0, 1, ... photographs above
 * @param {number} level
 */
export function falseAlarms(normals, promised, level) {
  const above = normals.filter((score) => score > level).length, step = promised[above];
  return { above, rate: step ? `about ${local(step[0])} %` : "", between: step ? `between ${local(step[1])} and ${local(step[2])} %` : "" };
}
