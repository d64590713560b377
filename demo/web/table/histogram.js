// The scores of the set, up, against those of calibration's good parts, down; the threshold.
import { falseAlarms } from "../alarms.js";
import { make, shape } from "../dom.js";
import { decimal, plural } from "../text.js";
import { verdictOf } from "./rows.js";
import { axisOf, binned, BINS, shareOf, valueAt } from "./axis.js";

/**
 * @typedef {import("./state.js").Table} Table
 * @typedef {import("./state.js").Facts} Facts
 * @typedef {import("./axis.js").Axis} Axis
 */

const WIDTH = 400, HEIGHT = 120, UP = 78, BASE = 82, DOWN = 34;

/** @param {Table} table */
export function histogram(table) {
  const { facts, chosen } = table, all = table.rows.filter((row) => row.score !== null && !row.other);
  const scored = all.filter((row) => verdictOf(row, chosen) !== "strange");  // whose scores lie far out and say nothing of defects
  table.$(".histogram").hidden = !facts || !scored.length;
  if (!facts || !scored.length) return;
  const scores = scored.map((row) => Number(row.score)), level = chosen ?? facts.threshold;
  table.axis = axisOf(scores, facts.normals, facts.threshold);
  plot(table, scores, facts, level);
  legend(table, scores, facts, level, all.length - scored.length);
  explain(table, scores, facts, level);
  const open = all.filter((row) => row.decision === "undecided" && !row.edited && row.threshold !== level).length;
  table.$(".cut-actions").hidden = chosen === null && !open;
  table.$(".apply").hidden = !open;
  table.$(".apply").textContent = `Use ${decimal(level, 2)} for ${plural(open, "undecided image")}`;
  table.$(".reset").hidden = chosen === null;
}

/** @param {Table} table @param {number[]} scores @param {Facts} facts @param {number} level */
function plot({ axis, $ }, scores, facts, level) {
  const cut = WIDTH * shareOf(axis, level), mine = binned(axis, scores);
  const below = bars(axis, mine, "mine", true, "image"), above = bars(axis, mine, "mine above", true, "image");
  below.setAttribute("clip-path", "url(#many-below)"); above.setAttribute("clip-path", "url(#many-above)");
  $(".bars").replaceChildren(definitions(cut), below, above, bars(axis, binned(axis, facts.normals), "theirs", false, "good part"),
    shape("line", { class: "base", x1: 0, x2: WIDTH, y1: BASE + 0.5, y2: BASE + 0.5 }),
    shape("line", { class: "cut", x1: cut, x2: cut, y1: 0, y2: HEIGHT }));
}

/** The hatch of what is above the threshold, and where that is. @param {number} cut */
function definitions(cut) {
  const hatch = shape("pattern", { id: "many-hatch", width: 4, height: 4, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" });
  hatch.append(shape("rect", { width: 4, height: 4, class: "hatch-ground" }), shape("line", { x1: 0, y1: 0, x2: 0, y2: 4, class: "hatch-line" }));
  const part = (/** @type {string} */ id, /** @type {number} */ x, /** @type {number} */ width) => {
    const clip = shape("clipPath", { id });
    clip.append(shape("rect", { x, y: 0, width: Math.max(width, 0), height: HEIGHT }));
    return clip;
  };
  const all = shape("defs", {});
  all.append(part("many-below", 0, cut), part("many-above", cut, WIDTH - cut), hatch);
  return all;
}

/** @param {Axis} axis @param {number[]} bins @param {string} className @param {boolean} up @param {string} what is counted */
function bars(axis, bins, className, up, what) {
  const group = shape("g", { class: className }), tallest = Math.max(...bins, 1);
  bins.forEach((n, index) => {
    if (!n) return;
    const height = Math.max(3, ((up ? UP : DOWN) * n) / tallest), title = shape("title", {});
    const bar = shape("rect", { x: (WIDTH * index) / BINS + 0.6, width: WIDTH / BINS - 1.2, y: up ? BASE - height : BASE + 2, height });
    title.textContent = `${decimal(valueAt(axis, index / BINS), 2)} to ${decimal(valueAt(axis, (index + 1) / BINS), 2)}: ${plural(n, what)}`;
    bar.append(title);
    group.append(bar);
  });
  return group;
}

/** @param {Table} table @param {number[]} scores @param {Facts} facts @param {number} level @param {number} strange images left out */
function legend({ axis, $ }, scores, facts, level, strange) {
  const share = 100 * shareOf(axis, level), label = $(".cut-label");
  $(".legend-set").textContent = `up: this set, ${plural(scores.length, "image")}` + (strange ? `; without ${strange} not of this model's part` : "");
  $(".legend-normals").textContent = `down: ${plural(facts.normals.length, "good part")} kept for calibration`;
  label.textContent = decimal(level, 2);
  label.style.left = `${share}%`;
  label.classList.toggle("flip", share > 85);
  $(".ticks").replaceChildren(...[0, 0.25, 0.5, 0.75, 1].map((at) => make("span", "", decimal(valueAt(axis, at), 1))));
}

/** What the threshold means for this set and for good parts. @param {Table} table @param {number[]} scores @param {Facts} facts @param {number} level */
function explain({ axis, chosen, $, input }, scores, facts, level) {
  const { above, rate, between } = falseAlarms(facts.normals, facts.promised, level), cut = decimal(level, 2);
  const bad = scores.filter((score) => score > level).length, slider = input(".threshold");
  $(".bars").setAttribute("aria-label", `Histogram: ${plural(scores.length, "image")} of this set, ${bad} above the threshold ${cut}; ` +
    `${plural(facts.normals.length, "good part")} of calibration, ${above} above it.`);
  $(".meaning").textContent = `Above ${cut} lie ${bad} of ${plural(scores.length, "image")} and ${above} of the ${facts.normals.length} good parts: ` +
    (rate ? `expect false alarms on ${rate} of good parts, ${between}.` : "no promise how often a good part is marked.");
  if (document.activeElement !== slider || chosen === null) slider.value = String(shareOf(axis, level));
  slider.setAttribute("aria-valuetext", `${cut}: ${bad} of ${scores.length} images above, ${rate ? `${rate.replace("%", "percent")} false alarms` : "no promise"}`);
}
