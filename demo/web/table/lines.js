// The table itself: a line for each row, kept from one drawing to the next.
import { make, makeButton } from "../dom.js";
import { called, decimal, percent } from "../text.js";
import { DECISIONS } from "../canvas/words.js";
import { askAgain } from "./thumbs.js";
import { COLUMNS, countOf, cutOf, FILTERS, VERDICTS, truthOf, verdictOf, visible } from "./rows.js";

/**
 * @typedef {import("./state.js").Table} Table
 * @typedef {import("./state.js").Line} Line
 * @typedef {import("./rows.js").Row} Row
 */

/** Headings that sort and buttons that filter. @param {Table} table @param {(key: string) => void} sort @param {(key: string) => void} filter */
export function header(table, sort, filter) {
  for (const [key, label] of COLUMNS) {
    const cell = make("th", key), button = makeButton("sort", label);
    cell.scope = "col";
    button.addEventListener("click", () => sort(key));
    cell.append(button);
    table.$("thead tr").append(cell);
  }
  for (const [key, [label]] of Object.entries(FILTERS)) {
    const button = makeButton("filter");
    button.dataset.filter = key;
    button.append(make("span", "", label), make("b"));
    button.addEventListener("click", () => filter(key));
    table.$(".filters").append(button);
  }
}

/** @param {Table} table */
export function drawLines(table) {
  const { rows, choice, chosen, lines } = table, { filter, order } = choice;
  for (const cell of table.element.querySelectorAll("th"))
    cell.setAttribute("aria-sort", cell.className !== order.key ? "none" : order.down ? "descending" : "ascending");
  for (const button of table.buttons(".filter")) {
    const key = button.dataset.filter ?? "all", number = /** @type {Element} */ (button.querySelector("b"));
    number.textContent = String(countOf(rows, key, chosen));
    button.setAttribute("aria-pressed", String(key === filter));
    button.hidden = ["strange", "near", "disagree"].includes(key) && key !== filter && number.textContent === "0";
  }
  const wanted = visible(rows, choice, chosen).map((row) => line(table, row)), body = table.$("tbody");
  wanted.forEach((node, index) => { if (body.children[index] !== node) body.insertBefore(node, body.children[index] ?? null); });
  while (body.children.length > wanted.length) body.lastChild?.remove();
  table.$(".none").hidden = wanted.length > 0;
  const known = new Set(rows.map((row) => row.id));
  for (const [id, node] of lines) if (!known.has(id)) { table.seen?.unobserve(node); lines.delete(id); table.pictures.delete(id); }
}

/** A row's line, up to date. @param {Table} table @param {Row} row */
function line(table, row) {
  const node = table.lines.get(row.id) ?? newLine(table, row);
  const key = JSON.stringify([row, verdictOf(row, table.chosen), table.chosen, table.facts?.low, table.facts?.high]);
  if (node.key !== key) fill(table, node, row);
  node.key = key;
  const marked = `${row.state} ${row.area}`;
  if (table.view === "grid" && node.marked !== marked && table.pictures.get(row.id)) askAgain(table, [node]);
  node.marked = marked;
  return node;
}

/** @param {Table} table @param {Row} row */
function newLine(table, row) {
  const node = /** @type {Line} */ (Object.assign(make("tr"), { item: row.id }));
  const [name, score, verdict, area, regions] = COLUMNS.map(([key]) => node.appendChild(make("td", key)));
  area.dataset.label = "marked"; regions.dataset.label = "regions";  // on a phone, where no heading stands above
  const open = makeButton("open"), picture = make("img", "thumb"), marks = make("img", "marks"), seat = make("span", "seat"), track = make("span", "track"), badge = make("span", "badge");
  const text = make("span", "text");
  picture.alt = marks.alt = "";
  text.setAttribute("translate", "no");
  seat.append(picture, marks);
  open.append(seat, text);
  const pick = make("label", "pick"), box = make("input"), named = make("div", "named");
  box.type = "checkbox"; box.dataset.item = row.id;
  box.setAttribute("aria-label", `Choose ${called(row)}`);
  pick.append(box);
  named.append(pick, open);
  name.append(named);
  open.addEventListener("click", () => table.trigger("open", { item: row.id }));
  node.addEventListener("click", (event) => {
    if (!(/** @type {Element} */ (event.target).closest("button, .pick")) && !open.disabled) open.click();
  });
  track.append(make("i"));
  score.append(make("span", "number"), track);
  badge.append(make("b"), make("span"));
  verdict.append(badge);
  table.lines.set(row.id, node);
  table.seen?.observe(node);
  return node;
}

/** @param {Table} table @param {Line} node @param {Row} row */
function fill(table, node, row) {
  const { chosen, facts } = table, kind = verdictOf(row, chosen), scored = row.state === "scored";
  const find = (/** @type {string} */ selector) => /** @type {HTMLElement} */ (node.querySelector(selector));
  const put = (/** @type {string} */ selector, /** @type {string} */ text) => { find(selector).textContent = text; };
  node.dataset.verdict = kind; node.dataset.decision = row.decision;
  put(".text", called(row));
  const open = /** @type {HTMLButtonElement} */ (find(".open"));
  open.disabled = !scored;
  /** @type {HTMLInputElement} */ (find(".pick input")).disabled = !scored;
  open.title = scored ? `Open ${called(row)} at the desk` : called(row);
  put(".number", row.score === null ? "" : decimal(row.score, 2));
  const track = find(".track"), low = facts?.low ?? 0, span = Math.max((facts?.high ?? 1) - low, 1e-9);
  const at = (/** @type {number} */ value) => String(Math.min(1, Math.max(0, (value - low) / span)));
  track.hidden = row.score === null;
  if (row.score !== null) { track.style.setProperty("--at", at(row.score)); track.style.setProperty("--cut", at(cutOf(row, chosen))); }
  put(".badge b", VERDICTS[kind][0]);
  put(".badge span", VERDICTS[kind][1]);
  const preview = scored && cutOf(row, chosen) !== row.threshold;
  node.classList.toggle("preview", preview);
  put("td.area", scored ? percent(row.area / row.pixels) : "");
  put("td.regions", scored ? String(row.regions) : "");
  find("td.area").title = find("td.regions").title = preview ? "at the image's own threshold, until the new one is applied" : "";
  put("td.decision", scored ? DECISIONS[row.decision].join(" ") : "");
  put("td.note", row.error || [truthOf(row), row.edited ? "edited mask" : "", row.note].filter(Boolean).join("; "));
}
