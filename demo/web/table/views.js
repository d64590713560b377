// A table or a grid of cards, and the keys that go through either.
import { keep, kept } from "../kept.js";
import { askAgain } from "./thumbs.js";

/** @typedef {import("./state.js").Table} Table */

const VIEW = "ddad-many-view";

/** @param {Table} table */
export function listenToViews(table) {
  show(table, kept(VIEW) === "grid" ? "grid" : "table");
  for (const button of table.buttons(".view"))
    button.addEventListener("click", () => {
      show(table, button.dataset.view ?? "table");
      keep(VIEW, table.view);
      if (table.view === "grid") askAgain(table, table.lines.values());
    });
  table.$("tbody").addEventListener("keydown", (event) => walk(table, event));
}

/** @param {Table} table @param {string} view */
function show(table, view) {
  table.view = view;
  table.$(".many").dataset.view = view;
  for (const button of table.buttons(".view")) button.setAttribute("aria-pressed", String(button.dataset.view === view));
}

/** Arrows go from image to image, X chooses one. @param {Table} table @param {KeyboardEvent} event */
function walk(table, event) {
  const line = /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest("tr"));
  if (!line || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key.toLowerCase() === "x") {
    event.preventDefault();
    return /** @type {HTMLElement} */ (line.querySelector(".pick input")).click();
  }
  const lines = /** @type {HTMLElement[]} */ ([...table.$("tbody").children]), at = lines.indexOf(line);
  const across = lines.filter((each) => each.offsetTop === lines[0].offsetTop).length;
  const by = { ArrowRight: table.view === "grid" ? 1 : 0, ArrowLeft: table.view === "grid" ? -1 : 0, ArrowDown: across, ArrowUp: -across, Home: -at, End: lines.length - 1 - at }[event.key];
  if (by === undefined) return;
  event.preventDefault();
  const next = lines[Math.min(lines.length - 1, Math.max(0, at + by))];
  /** @type {HTMLElement} */ (next.querySelector(".open")).focus();
  next.scrollIntoView({ block: "nearest" });
}
