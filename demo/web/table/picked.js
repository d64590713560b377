// Rows that are chosen together, and what is decided of them all.
import { plural } from "../text.js";
import { visible } from "./rows.js";

/** @typedef {import("./state.js").Table} Table */

/** @type {Record<string, string>} */
const KEYS = { d: "defective", g: "good", s: "skipped" };

/** @param {Table} table @param {() => void} redraw */
export function listenToPicks(table, redraw) {
  const { $, element, buttons } = table;
  $("tbody").addEventListener("click", (event) => {
    const box = /** @type {HTMLInputElement | null} */ (/** @type {Element} */ (event.target).closest(".pick input"));
    if (!box) return;
    choose(table, box, event.shiftKey);
    redraw();
  });
  $(".pick-all").addEventListener("click", () => {
    const shown = chooseable(table), all = shown.every((id) => table.picked.has(id));
    for (const id of shown) if (all) table.picked.delete(id); else table.picked.add(id);
    redraw();
  });
  for (const button of buttons(".decide-all")) button.addEventListener("click", () => decideAll(table, button.dataset.decision ?? "", table.picked));
  $(".undo-all").addEventListener("click", () => undoAll(table));
  $(".pick-none").addEventListener("click", () => { table.picked.clear(); redraw(); });
  element.addEventListener("keydown", (event) => {
    const decision = KEYS[event.key.toLowerCase()], target = /** @type {Element} */ (event.target);
    const focused = /** @type {import("./state.js").Line | null} */ (target.closest("tbody tr"));
    if (!decision || !(table.picked.size || focused) || event.ctrlKey || event.metaKey || event.altKey || target.matches("input[type=search]")) return;
    event.preventDefault();
    decideAll(table, decision, table.picked.size || !focused ? table.picked : new Set([focused.item]));
  });
}

/** Scored images that are shown, in their order. @param {Table} table */
const chooseable = ({ rows, choice, chosen }) => visible(rows, choice, chosen).filter((row) => row.state === "scored").map((row) => row.id);

/** A click chooses or leaves a row, with Shift all from the last one to it. @param {Table} table @param {HTMLInputElement} box @param {boolean} whole */
function choose(table, box, whole) {
  const id = box.dataset.item ?? "", shown = chooseable(table), from = shown.indexOf(table.lastPicked ?? ""), to = shown.indexOf(id);
  const ids = whole && from >= 0 && to >= 0 ? shown.slice(Math.min(from, to), Math.max(from, to) + 1) : [id];
  for (const each of ids) if (box.checked) table.picked.add(each); else table.picked.delete(each);
  table.lastPicked = id;
}

/** @param {Table} table @param {string} decision @param {Set<string>} ids */
function decideAll(table, decision, ids) {
  const mine = table.rows.filter((row) => ids.has(row.id) && row.state === "scored");
  if (!mine.length) return;
  table.undone = mine.map((row) => ({ item: row.id, decision: row.decision }));
  table.trigger("decide", { pairs: mine.map((row) => ({ item: row.id, decision })) });
  table.put(".said", `${plural(mine.length, "image")} ${mine.length === 1 ? "is" : "are"} ${decision} now.`);
}

/** As it was before the last decision of many. @param {Table} table */
function undoAll(table) {
  table.trigger("decide", { pairs: table.undone });
  table.put(".said", `${plural(table.undone.length, "decision")} taken back.`);
  table.undone = [];
}

/** How many are chosen, and what can be done with them. @param {Table} table */
export function drawPicks(table) {
  const { $, put, picked, undone } = table, known = new Set(table.rows.map((row) => row.id)), shown = chooseable(table);
  for (const id of picked) if (!known.has(id)) picked.delete(id);
  for (const box of /** @type {NodeListOf<HTMLInputElement>} */ (table.element.querySelectorAll(".pick input"))) box.checked = picked.has(box.dataset.item ?? "");
  put(".picked", picked.size ? `${picked.size} chosen` : "");
  put(".pick-all", shown.length && shown.every((id) => picked.has(id)) ? "Choose none of these" : "Choose all of these");
  for (const button of table.buttons(".decide-all, .pick-none")) button.disabled = !picked.size;
  $(".undo-all").hidden = !undone.length;
}
