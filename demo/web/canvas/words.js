// What the panel says about an image.
import { falseAlarms } from "../alarms.js";
import { decimal, grouped, percent, plural } from "../text.js";

/** @typedef {import("./desk.js").Inspected} Inspected */

/** What a person says of a part: sign and word. @type {Record<string, [string, string]>} */
export const DECISIONS = {
  undecided: ["○", "undecided"], defective: ["✕", "defective"], good: ["✓", "good"], skipped: ["➜", "skipped"],
};

/** What the model says of it. @type {Record<string, string>} */
export const SIGNS = { defective: "✕", good: "✓", "not its part": "≠", "no verdict": "○" };

const ADVICE = "This doesn't look like the photographs this model learned from: another part, camera, light, focus or scale. " +
  "Choose the model of this part, take the photograph as the good ones were taken, or train a model on photographs like this.";

/** @param {Inspected} now */
export function verdictOf(now) {
  const { name, score, threshold: level } = now;
  if (now.partial)
    return { kind: "wait", sign: "…", headline: "Still looking", reason: `${name}: ${now.scales.length} of ${now.of} maps so far.` };
  if (now.withheld === "strange") return { kind: "strange", sign: SIGNS["not its part"], headline: "Not this model's part", reason: `${name}: ${ADVICE}` };
  if (now.withheld === "unpromised") return unpromised(now);
  const bad = score > level, moved = Math.abs(level - now.calibrated) > 1e-9;
  const which = moved ? "the threshold you set" : "the calibrated threshold";
  const reason = Number.isFinite(score)
    ? `${name}: its score of ${decimal(score, 2)} is ${bad ? "above" : "not above"} ${which} of ${decimal(level, 2)}.`
    : `${name}: all of it lies in the ignore zone, so there is no score.`;
  if ((now.composition ?? -Infinity) > level && now.findings?.length)
    return { kind: "bad", sign: SIGNS.defective, headline: "Looks defective", reason: `${reason} ${amissOf(now)}` };
  return bad
    ? { kind: "bad", sign: SIGNS.defective, headline: "Looks defective", reason }
    : { kind: "good", sign: SIGNS.good, headline: "Looks like a good part", reason };
}

/** What there is too little or too much of, and whether that is all. @param {Inspected} now */
function amissOf({ peak, threshold, findings }) {
  const what = (findings ?? []).map(([sentence]) => sentence).join("; ");
  return peak > threshold ? `There is also ${what} (dashed).` : `No pixel is strange, but there is ${what} (dashed).`;
}

/** @param {Inspected} now */
function unpromised({ name, score, normals }) {
  const few = normals.length === 1 ? "one photograph promises" : `${normals.length} photographs of one part promise`;
  return {
    kind: "none", sign: SIGNS["no verdict"], headline: `No verdict: ${few} nothing`,
    reason: `${name}: ${Number.isFinite(score) ? `a score of ${decimal(score, 2)}, and ` : ""}the map shows where it differs. ` +
      "From two parts on, a threshold begins to mean something. You can mark and decide all the same.",
  };
}

/** What the threshold means. @param {Inspected} now */
export function meaningOf({ normals, threshold: level, promised, parts }) {
  const { above, rate, between } = falseAlarms(normals, promised, level);
  return {
    meaning: parts === 1 ? "No promise: the threshold comes from one part, which can't say how much good parts differ."
      : `${above} of the ${plural(normals.length, "photograph")} of good parts kept for calibration score above this threshold. ` +
        (rate ? `Expect false alarms on ${rate} of good parts, ${between}.`
          : "No promise: an earlier version calibrated this model, by photographs instead of parts. Calibrate or train it again."),
    rate: rate && `That threshold marks ${rate} of good parts.`,
    alarms: rate ? `${rate} false alarms` : "no promise",
    spoken: `${decimal(level, 2)}: ${rate ? `${rate.replace("%", "percent")} false alarms` : "no promise"}`,
  };
}

/** How a branch's maps are called from a little noise to much of it: up to which t, in plain words. @type {Record<string, [number, string][]>} */
const SEEN = {
  pixel: [[30, "fine marks"], [70, "marks"], [150, "broad marks"], [Infinity, "large areas"]],
  feature: [[150, "fine structure"], [300, "structure"], [Infinity, "coarse structure"]],
};

/** A map in plain words, and the term behind them. @param {import("./maps.js").Scale} scale @returns {[string, string]} */
export function mapWords({ branch, t }) {
  const closer = branch.match(/^feature_(\d+)$/), [name] = branch.split("_");
  if (closer) return ["closer look", `features at ${closer[1]} px, t = ${t}`];
  const [, plain] = (SEEN[name] ?? SEEN.feature).find(([most]) => t <= most) ?? [0, name];
  return [plain, `${name === "pixel" ? "pixel KL" : "features"}, t = ${t}`];
}

/** The map that is looked at, or nothing for the mean. @param {import("./maps.js").Scale | undefined} scale */
export function captionOf(scale) {
  if (!scale) return "The mean of all maps";
  const [plain, term] = mapWords(scale);
  return `${plain} · ${term}: noise is ${decimal(100 * scale.noise, 0)} % of the signal's range`;
}

/** The score at a pixel, how often good parts reach it, and which maps say so. @param {Inspected} now @param {number} at @param {number[]} parts */
export function underWords({ map, normals, promised, scales }, at, parts) {
  const value = map[at], { rate } = falseAlarms(normals, promised, value);
  const said = scales.map((scale, i) => ({ part: parts[i], name: mapWords(scale)[0] })).filter(({ part }) => part >= 0.05)
    .sort((a, b) => b.part - a.part).slice(0, 3).map(({ part, name }) => `${decimal(100 * part, 0)} % ${name}`);
  return [`${decimal(value, 2)} here`, rate && `${rate} of good parts reach that somewhere`, said.join(", ")].filter(Boolean).join(" · ");
}

/** A region's facts as the table writes them, in pixels of the original. @param {Inspected} now @param {import("./regions.js").Region} region */
export function factsOf(now, region) {
  const unit = 1 / now.shrink, { left, top, right, bottom, area } = region;
  return [
    `${grouped(area * unit * unit)} px, ${percent(area / now.mask.length)}`,
    [left, top, right - left, bottom - top].map((v) => Math.round(v * unit)).join(", "),
    [region.sx, region.sy].map((v) => decimal((v / area) * unit, 1)).join(", "),
    decimal(region.peak, 2), decimal(region.sum / area, 2),
  ];
}
