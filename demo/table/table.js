// The table of many images. Sorts, filters and follows the threshold without the server.
// `element`, `props`, `watch`, `trigger`, `server` come from gr.HTML. Names reach the page as text only.
const $ = (selector) => element.querySelector(selector);
const make = (tag, className = "", text = "") => {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== "") node.textContent = text;
  return node;
};
const percent = (share) => (share === 0 ? "0 %" : share < 0.001 ? "< 0.1 %" : `${(100 * share).toFixed(1)} %`);
const plural = (n, one, many = `${one}s`) => `${n} ${n === 1 ? one : many}`;
const say = (text) => { const node = $(".said"); if (node.textContent !== text) node.textContent = text; };

let rows = [], facts = null, session = null, chosen = null, frame = 0;
let filter = "all", query = "", order = { key: "score", down: true };
let run = null, serial = null, stopped = false;
const nodes = new Map(), pictures = new Map();

// ---- what a row is -------------------------------------------------------------------------

const cutOf = (row) => (chosen !== null && !row.edited && row.decision === "undecided" ? chosen : row.threshold);
function verdict(row) {
  if (row.state === "failed") return "error";
  if (row.state === "waiting") return "waiting";
  if (row.decision === "rejected") return "good";
  if (row.decision === "accepted" || row.decision === "corrected" || row.edited) return row.area > 0 ? "bad" : "good";
  return row.score > Math.fround(cutOf(row)) ? "bad" : "good";
}
const VERDICTS = { bad: ["✕", "defective"], good: ["✓", "good"], waiting: ["…", "waiting"], error: ["!", "error"] };
const DECISIONS = { undecided: "undecided", accepted: "accepted", corrected: "corrected", rejected: "good part" };
const FILTERS = {
  all: ["All", () => true],
  bad: ["Defective", (row) => verdict(row) === "bad"],
  good: ["Good", (row) => verdict(row) === "good"],
  undecided: ["Undecided", (row) => row.state === "scored" && row.decision === "undecided"],
  error: ["Errors", (row) => row.state === "failed"],
};
const COLUMNS = [
  ["name", "Image", (row) => row.name.toLowerCase()],
  ["score", "Score", (row) => row.score],
  ["verdict", "Verdict", (row) => ["error", "waiting", "good", "bad"].indexOf(verdict(row))],
  ["area", "Marked", (row) => (row.state === "scored" ? row.area / row.pixels : null)],
  ["regions", "Regions", (row) => row.regions],
  ["decision", "Decision", (row) => row.decision],
  ["note", "Note", (row) => row.error || row.note],
];

// ---- the table -----------------------------------------------------------------------------

function header() {
  for (const [key, label] of COLUMNS) {
    const cell = make("th", key), button = make("button", "sort", label);
    cell.scope = "col"; button.type = "button";
    button.addEventListener("click", () => {
      order = { key, down: order.key === key ? !order.down : key === "score" || key === "area" || key === "regions" };
      draw();
    });
    cell.append(button);
    $("thead tr").append(cell);
  }
  for (const [key, [label]] of Object.entries(FILTERS)) {
    const button = make("button", "filter");
    button.type = "button"; button.dataset.filter = key;
    button.append(make("span", "", label), make("b"));
    button.addEventListener("click", () => { filter = key; draw(); });
    $(".filters").append(button);
  }
}

function line(row) {
  let node = nodes.get(row.id);
  if (!node) {
    node = make("tr");
    for (const [key, label] of COLUMNS) { const cell = make("td", key); cell.dataset.label = label; node.append(cell); }
    const [name] = node.children, open = make("button", "open"), picture = make("img", "thumb");
    picture.alt = ""; open.type = "button";
    open.append(picture, make("span", "text"));
    name.append(open);
    open.addEventListener("click", () => trigger("open", { item: row.id }));
    node.addEventListener("click", (event) => { if (!event.target.closest("button") && !open.disabled) open.click(); });
    const track = make("span", "track"); track.append(make("i"));
    node.children[1].append(make("span", "number"), track);
    const badge = make("span", "badge"); badge.append(make("b"), make("span"));
    node.children[2].append(badge);
    nodes.set(row.id, node);
    seen.observe(node);
    node.item = row.id;
  }
  const kind = verdict(row), key = JSON.stringify([row, kind, chosen, facts?.low, facts?.high]);
  if (node.key === key) return node;
  node.key = key;
  node.dataset.verdict = kind; node.dataset.decision = row.decision;
  const [name, score, verdictCell, area, regions, decision, note] = node.children;
  name.querySelector(".text").textContent = row.name;
  name.querySelector("button").disabled = row.state !== "scored";
  name.querySelector("button").title = row.state === "scored" ? `Open ${row.name} at the desk` : row.name;
  score.querySelector(".number").textContent = row.score === null ? "" : row.score.toFixed(2);
  const track = score.querySelector(".track"), span = Math.max((facts?.high ?? 1) - (facts?.low ?? 0), 1e-9);
  track.hidden = row.score === null;
  if (row.score !== null) {
    const at = (value) => Math.min(1, Math.max(0, (value - facts.low) / span));
    track.style.setProperty("--at", at(row.score));
    track.style.setProperty("--cut", at(cutOf(row)));
  }
  verdictCell.querySelector("b").textContent = VERDICTS[kind][0];
  verdictCell.querySelector("span span").textContent = VERDICTS[kind][1];
  const preview = row.state === "scored" && cutOf(row) !== row.threshold;
  node.classList.toggle("preview", preview);
  area.textContent = row.state === "scored" ? percent(row.area / row.pixels) : "";
  area.title = regions.title = preview ? "at the image's own threshold, until the new one is applied" : "";
  regions.textContent = row.state === "scored" ? String(row.regions) : "";
  decision.textContent = row.state === "scored" ? DECISIONS[row.decision] : "";
  note.textContent = row.error || [row.kind ? `truth: ${row.kind}` : "", row.edited ? "edited mask" : "", row.note].filter(Boolean).join("; ");
  return node;
}

function visible() {
  const matches = rows.filter((row) => FILTERS[filter][1](row) && row.name.toLowerCase().includes(query));
  const value = COLUMNS.find(([key]) => key === order.key)[2], sign = order.down ? -1 : 1;
  const empty = (x) => x === null || x === undefined || x === "";
  return matches
    .map((row, index) => [value(row), index, row])
    .sort(([a, i], [b, j]) => {
      if (empty(a) || empty(b)) return empty(a) - empty(b) || i - j;  // what has no value comes last
      return (a < b ? -sign : a > b ? sign : 0) || i - j;
    })
    .map(([, , row]) => row);
}

function draw() {
  frame = 0;
  element.querySelector(".many").dataset.state = rows.length ? "full" : "empty";
  for (const cell of element.querySelectorAll("th"))
    cell.setAttribute("aria-sort", cell.className !== order.key ? "none" : order.down ? "descending" : "ascending");
  for (const button of element.querySelectorAll(".filter")) {
    const key = button.dataset.filter;
    button.querySelector("b").textContent = rows.filter(FILTERS[key][1]).length;
    button.setAttribute("aria-pressed", String(key === filter));
  }
  const wanted = visible().map(line), body = $("tbody");
  wanted.forEach((node, index) => { if (body.children[index] !== node) body.insertBefore(node, body.children[index] ?? null); });
  while (body.children.length > wanted.length) body.lastChild.remove();
  $(".none").hidden = wanted.length > 0;
  const known = new Set(rows.map((row) => row.id));
  for (const [id, node] of nodes) if (!known.has(id)) { seen.unobserve(node); nodes.delete(id); pictures.delete(id); }
  histogram();
}
const soon = () => { if (!frame) frame = requestAnimationFrame(draw); };

// ---- thumbnails, as they come into view ------------------------------------------------------

const wantedPictures = new Set();
let asking = 0;
const seen = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries)
    if (isIntersecting && !pictures.has(target.item)) wantedPictures.add(target.item);
  if (wantedPictures.size && !asking) asking = setTimeout(fetchPictures, 60);
}, { rootMargin: "200px" });

async function fetchPictures() {
  const items = [...wantedPictures].slice(0, 40).filter((id) => rows.find((row) => row.id === id && row.state !== "failed"));
  for (const id of [...wantedPictures].slice(0, 40)) wantedPictures.delete(id);
  if (items.length) {
    items.forEach((id) => pictures.set(id, ""));
    const answer = await server.thumbs({ session, items });
    for (const [id, url] of Object.entries(answer.thumbs ?? {})) {
      pictures.set(id, url);
      const picture = nodes.get(id)?.querySelector("img");
      if (picture) picture.src = url;
    }
  }
  asking = wantedPictures.size ? setTimeout(fetchPictures, 30) : 0;
}

// ---- histogram -----------------------------------------------------------------------------

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

// ---- a run: slices of the model's queue until nothing waits -----------------------------------

function progress() {
  const waiting = rows.filter((row) => row.state === "waiting").length, finished = rows.length - waiting;
  const going = props.value?.run;
  if (!going || going.serial === serial) {  // the table alone was read again
    if (!waiting && run?.began) run = null;
    return waiting;
  }
  serial = going.serial;
  if (going.phase === "reading") { stopped = false; run = { reading: [going.done, going.total] }; }
  else if (waiting && going.more && !stopped) {
    if (!run?.began) run = { began: performance.now(), before: finished };
    trigger("more");
  } else if (going.phase !== "scoring" || !waiting) {
    if (run?.began && !waiting) say(summary());
    run = null;
  } else if (!run?.began && !stopped) run = { began: performance.now(), before: finished };
  return waiting;
}

function summary() {
  const [bad, failed] = [FILTERS.bad, FILTERS.error].map(([, test]) => rows.filter(test).length);
  return `Done: ${bad} of ${plural(rows.length - failed, "image")} look defective` + (failed ? `; ${plural(failed, "file")} could not be used.` : ".");
}

function span(seconds) {
  return seconds < 90 ? `${Math.max(1, Math.round(seconds))} s` : `${Math.round(seconds / 60)} min`;
}

function status(waiting) {
  $(".run").hidden = !run;
  $(".waiting").hidden = Boolean(run) || !waiting;
  $(".waiting-text").textContent = `${plural(waiting, "image")} ${waiting === 1 ? "waits" : "wait"} to be scored.`;
  if (!run) return;
  let done, total, text;
  if (run.reading) {
    [done, total] = run.reading;
    text = `${done} of ${total} files`;
  } else {
    done = rows.length - waiting - run.before; total = done + waiting;
    const left = done ? ((performance.now() - run.began) / 1000 / done) * waiting : null;
    text = `${done} of ${total}` + (left === null ? "" : `, about ${span(left)} left`);
  }
  $(".run-what").textContent = run.reading ? "Reading" : "Scoring";
  $(".run-text").textContent = text;
  $(".run-bar").max = Math.max(total, 1); $(".run-bar").value = done;
}

function load() {
  const value = props.value;
  if (!value || typeof value !== "object") return;
  rows = value.rows ?? []; facts = value.facts ?? null; session = value.session ?? null;
  status(progress());
  if (frame) cancelAnimationFrame(frame);
  draw();
}

header();
watch("value", load);
load();
$(".query").addEventListener("input", (event) => { query = event.target.value.trim().toLowerCase(); soon(); });
$(".threshold").addEventListener("input", (event) => { chosen = valueAt(Number(event.target.value)); soon(); });
$(".threshold").addEventListener("change", () => trigger("settle", { threshold: chosen }));
$(".reset").addEventListener("click", () => { chosen = null; trigger("settle", { threshold: null }); draw(); $(".threshold").focus(); });
$(".apply").addEventListener("click", () => { trigger("apply", { threshold: chosen ?? facts.threshold }); });
$(".resume").addEventListener("click", () => {
  stopped = false; run = { began: performance.now(), before: rows.filter((row) => row.state !== "waiting").length };
  status(rows.length - run.before);
  trigger("more");
});
$(".cancel").addEventListener("click", () => {
  stopped = true; run = null;
  status(rows.filter((row) => row.state === "waiting").length);
  say("Stopped. What is done stays.");
  trigger("cancel");
});
$(".clear").addEventListener("click", () => {
  $(".sure-text").textContent = `Remove ${plural(rows.length, "image")} with all results, masks and decisions from this server?`;
  $(".sure").hidden = false; $(".sure-no").focus();
});
$(".sure-no").addEventListener("click", () => { $(".sure").hidden = true; $(".clear").focus(); });
$(".sure-yes").addEventListener("click", () => { $(".sure").hidden = true; stopped = true; run = null; trigger("clear"); });
element.addEventListener("keydown", (event) => { if (event.key === "Escape" && !$(".sure").hidden) $(".sure-no").click(); });
