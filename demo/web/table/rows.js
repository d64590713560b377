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
    for (const [key] of COLUMNS) { const cell = make("td", key); node.append(cell); }
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
