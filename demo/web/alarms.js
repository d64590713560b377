// What calibration says about a threshold.

/**
 * How many good parts of calibration a threshold marks, and the rate of false alarms to expect:
 * at most (above + 1) / (n + 1), or about that where their scores are cross-fitted.
 * @param {number[]} normals scores of the good parts
 * @param {number} level
 * @param {boolean} crossFitted
 */
export function falseAlarms(normals, level, crossFitted) {
  const above = normals.filter((score) => score > level).length;
  return { above, rate: (100 * (above + 1)) / (normals.length + 1), bound: crossFitted ? "about" : "at most" };
}
