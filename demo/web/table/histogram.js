// The scores of the set, up, against those of calibration's good parts, down; the threshold.
const BINS = 40, UP = 78, BASE = 82, DOWN = 34;
const shape = (tag, attributes) => {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  return node;
};
let axis = { low: 0, high: 1, power: 1 };
const shareOf = (value) => Math.min(1, Math.max(0, (value - axis.low) / (axis.high - axis.low))) ** (1 / axis.power);
const valueAt = (share) => (share >= 1 ? axis.high : axis.low + share ** axis.power * (axis.high - axis.low));

function histogram() {
  const figure = $(".histogram"), scored = rows.filter((row) => row.score !== null && !row.other);
  figure.hidden = !facts || !scored.length;
  if (figure.hidden) return;
  const scores = scored.map((row) => row.score), level = chosen ?? facts.threshold;
  const low = Math.min(...scores, ...facts.normals, facts.threshold), top = Math.max(...scores, ...facts.normals, facts.threshold);
  // Where some score is far out the axis follows the square root, so that the others stay apart.
  axis = { low, high: Math.max(top, low + 1e-6), power: top > facts.threshold + 4 * (facts.threshold - low) ? 2 : 1 };
  const at = (value) => 400 * shareOf(value);
  const count = (values) => {
    const bins = new Array(BINS).fill(0);
    for (const value of values) bins[Math.min(BINS - 1, Math.floor(BINS * shareOf(value)))]++;
    return bins;
  };
  const svg = $(".bars"), mine = count(scores), theirs = count(facts.normals), cut = at(level);
  const name = (index) => `${valueAt(index / BINS).toFixed(2)} to ${valueAt((index + 1) / BINS).toFixed(2)}`;
  const bars = (bins, className, up, what) => {
    const group = shape("g", { class: className }), tallest = Math.max(...bins, 1);
    bins.forEach((n, index) => {
      if (!n) return;
      const height = Math.max(3, ((up ? UP : DOWN) * n) / tallest);
      const bar = shape("rect", { x: (400 * index) / BINS + 0.6, width: 400 / BINS - 1.2, y: up ? BASE - height : BASE + 2, height });
      bar.append(shape("title", {}));
      bar.firstChild.textContent = `${name(index)}: ${plural(n, what)}`;
      group.append(bar);
    });
    return group;
  };
  const hatch = shape("pattern", { id: "many-hatch", width: 4, height: 4, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" });
  hatch.append(shape("rect", { width: 4, height: 4, class: "hatch-ground" }), shape("line", { x1: 0, y1: 0, x2: 0, y2: 4, class: "hatch-line" }));
  const definitions = shape("defs", {});
  for (const [id, x, width] of [["many-below", 0, cut], ["many-above", cut, 400 - cut]]) {
    const clip = shape("clipPath", { id });
    clip.append(shape("rect", { x, y: 0, width: Math.max(width, 0), height: 120 }));
    definitions.append(clip);
  }
  definitions.append(hatch);
  const below = bars(mine, "mine", true, "image"), above = bars(mine, "mine above", true, "image");
  below.setAttribute("clip-path", "url(#many-below)"); above.setAttribute("clip-path", "url(#many-above)");
  svg.replaceChildren(definitions, below, above, bars(theirs, "theirs", false, "good part"),
    shape("line", { class: "base", x1: 0, x2: 400, y1: BASE + 0.5, y2: BASE + 0.5 }),
    shape("line", { class: "cut", x1: cut, x2: cut, y1: 0, y2: 120 }));
  const bad = scores.filter((score) => score > level).length, over = facts.normals.filter((score) => score > level).length;
  svg.setAttribute("aria-label", `Histogram: ${plural(scores.length, "image")} of this set, ${bad} above the threshold ${level.toFixed(2)}; ` +
    `${plural(facts.normals.length, "good part")} of calibration, ${over} above it.`);
  $(".legend-set").textContent = `up: this set, ${plural(scores.length, "image")}`;
  $(".legend-normals").textContent = `down: ${plural(facts.normals.length, "good part")} kept for calibration`;
  const label = $(".cut-label");
  label.textContent = level.toFixed(2);
  label.style.left = `${cut / 4}%`;
  label.classList.toggle("flip", cut > 340);
  $(".ticks").replaceChildren(...[0, 0.25, 0.5, 0.75, 1].map((share) =>
    make("span", "", valueAt(share).toFixed(1))));
  const slider = $(".threshold");
  if (document.activeElement !== slider || chosen === null) slider.value = shareOf(level);
  const rate = (100 * (over + 1)) / (facts.normals.length + 1), bound = facts.crossFitted ? "about" : "at most";
  $(".meaning").textContent = `Above ${level.toFixed(2)} lie ${bad} of ${plural(scores.length, "image")} and ${over} of the ${facts.normals.length} good parts: ` +
    `expect false alarms on ${bound} ${rate.toFixed(1)} % of good parts.`;
  slider.setAttribute("aria-valuetext", `${level.toFixed(2)}: ${bad} of ${scores.length} images above, ${bound} ${rate.toFixed(1)} percent false alarms`);
  const open = scored.filter((row) => row.decision === "undecided" && !row.edited && row.threshold !== level).length;
  $(".cut-actions").hidden = chosen === null && !open;
  $(".apply").hidden = !open;
  $(".apply").textContent = `Use ${level.toFixed(2)} for ${plural(open, "undecided image")}`;
  $(".reset").hidden = chosen === null;
}
