// Which control of the page does what.
import { chooseTool, decide, setOptions, setSize, setThreshold, step, toggle } from "./actions.js";
import { refresh, repropose } from "./analysis.js";
import { keepClasses, setLabel } from "./classes.js";
import { bring, copyMask, take } from "./away.js";
import { remember, shown } from "./desk.js";
import { fillMask, swell } from "./draft.js";
import { again, set, toggleLock, toggleRegion } from "./edit.js";
import { hideLike } from "./like.js";
import { askNormal, part } from "./normal.js";
import { listenToMaps } from "./pointed.js";
import { list } from "./queue.js";
import { select } from "./rows.js";
import { dropMine, keepMine, save } from "./saving.js";
import { open } from "./show.js";
import { fit, zoomBy, zoomToRegion, zoomWhole } from "./view.js";

/** @typedef {import("./desk.js").Desk} Desk */

/** @param {Desk} desk */
export function listenToControls(desk) {
  for (const button of desk.buttons(".tool")) button.addEventListener("click", () => chooseTool(desk, button.dataset.tool ?? ""));
  for (const button of desk.buttons(".toggle"))
    button.addEventListener("click", () => toggle(desk, /** @type {"heat" | "outline" | "magnet"} */ (button.dataset.option)));
  for (const button of desk.buttons(".decide")) button.addEventListener("click", () => decide(desk, button.dataset.decision ?? ""));
  const on = (/** @type {string} */ selector, /** @type {string} */ type, /** @type {(input: HTMLInputElement) => void} */ act) =>
    desk.$(selector).addEventListener(type, (event) => { if (desk.now) act(/** @type {HTMLInputElement} */ (event.target)); });
  on(".grow", "click", () => swell(desk, 1)); on(".shrink", "click", () => swell(desk, 0));
  on(".close-holes", "click", () => fillMask(desk)); on(".lock", "click", () => toggleLock(desk));
  on(".copy-mask", "click", () => copyMask(desk));
  on(".undo", "click", () => again(desk, "undo")); on(".redo", "click", () => again(desk, "redo"));
  on(".zoom-in", "click", () => zoomBy(desk, 1.4)); on(".zoom-less", "click", () => zoomBy(desk, 1 / 1.4));
  on(".fit", "click", () => fit(desk)); on(".whole", "click", () => zoomWhole(desk));
  on(".previous", "click", () => step(desk, -1)); on(".next", "click", () => step(desk, 1));
  on(".opacity", "input", (input) => setOptions(desk, { opacity: Number(input.value), heat: true }));
  on(".threshold", "input", (input) => setThreshold(desk, Number(input.value), "range"));
  on(".threshold-number", "change", (input) => setThreshold(desk, Number(input.value), "number"));
  on(".reset", "click", () => setThreshold(desk, shown(desk).calibrated));
  on(".brush-size", "input", (input) => setSize(desk, Number(input.value)));
  on(".least", "change", (input) => clean(desk, { least: leastOf(input) }));
  on(".fill", "change", (input) => clean(desk, { fill: input.checked }));
  on(".reviewer", "change", (input) => { desk.options.reviewer = input.value.trim().slice(0, 80); remember(desk); save(desk); });
  on(".go-on", "change", (input) => { desk.options.goOn = input.checked; remember(desk); });
  on(".bring", "change", (input) => { bring(desk, input.files?.[0]); input.value = ""; });
  on(".as-good", "click", () => askNormal(desk));
  on(".like-close", "click", () => hideLike(desk));
  on(".compare", "input", (input) => part(desk, Number(input.value) / 100));
  on(".keep-mine", "click", async () => { await keepMine(desk); open(desk, desk.now?.item); });
  on(".take-theirs", "click", () => { dropMine(desk); open(desk, desk.now?.item); });
  on(".rejudge", "click", () => desk.trigger("rejudge", { model: shown(desk).model }));
  on(".copy", "click", () => copyLink(desk));
  on(".rows", "click", (target) => rowClicked(desk, target));
  on(".rows", "change", (input) => relabel(desk, input));
  on(".take", "click", () => take(desk, desk.input(".format").value, /** @type {any} */ (desk.$(".take"))));
  on(".format", "change", (input) => { desk.options.format = input.value; remember(desk); });
  for (const what of ["stop", "cancel"]) desk.$(`.lesson-${what}`).addEventListener("click", () => desk.trigger("lesson", { what }));
  desk.$(".order").addEventListener("change", () => { desk.options.order = desk.input(".order").value; remember(desk); list(desk); });
  listenToMaps(desk);
  desk.$(".queue-list").addEventListener("click", (event) => {
    const button = /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest(".queued"));
    if (button) open(desk, button.dataset.item);
  });
}

/** What is left out of the proposal. @param {Desk} desk @param {{ least?: number, fill?: boolean }} change */
function clean(desk, change) {
  set(desk, change);
  repropose(desk);
  save(desk);
}

/** @param {HTMLInputElement} input */
function leastOf(input) {
  const least = Math.max(1, Math.round(Number(input.value)) || 1);
  input.value = String(least);
  return least;
}

/** @param {Desk} desk */
async function copyLink(desk) {
  const link = desk.input(".link");
  link.select();
  try { await navigator.clipboard.writeText(link.value); } catch { document.execCommand("copy"); }
  desk.put(".link-note", "Copied.");
}

/** A row selects its region, or shows one that was cleared; its last button drops or keeps it. @param {Desk} desk @param {HTMLElement} target */
function rowClicked(desk, target) {
  const row = target.closest("tr");
  if (!row) return;
  const removed = row.dataset.removed !== undefined, k = Number(removed ? row.dataset.removed : row.dataset.region);
  if (target.closest(".drop")) toggleRegion(desk, k, removed);
  else if (!removed) { if (!target.closest("input")) select(desk, k, true); }
  else if (target.closest(".show-region")) zoomToRegion(desk, shown(desk).removed.regions[k]);
}

/** @param {Desk} desk @param {HTMLInputElement} input */
function relabel(desk, input) {
  const region = refresh(desk).regions[Number(input.closest("tr")?.dataset.region)];
  const label = input.value.trim();
  if (region) setLabel(desk, region, label);
  if (label && !desk.classes.includes(label)) keepClasses(desk, [...desk.classes, label]);
}
