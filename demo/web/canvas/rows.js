// The table of regions. What its controls do is in controls.js.
import { make, makeButton } from "../dom.js";
import { shown } from "./desk.js";
import { schedule } from "./frame.js";
import { labelOf } from "./labels.js";
import { zoomToRegion } from "./view.js";
import { factsOf } from "./words.js";

const MOST = 100, MOST_CLEARED = 20, SPECK = 3;

/**
 * @typedef {import("./desk.js").Desk} Desk
 * @typedef {import("./labels.js").Labelled} Labelled
 */

/** @param {Desk} desk */
export function table(desk) {
  const { $ } = desk, now = shown(desk), marked = now.found?.regions ?? [], cleared = now.removed.regions;
  const order = marked.map((_, k) => k).sort((a, b) => marked[b].peak - marked[a].peak);
  const rows = order.slice(0, MOST).map((k, i) => row(desk, k, String(i + 1), false));
  const left = cleared.map((_, k) => k).filter((k) => cleared[k].area > SPECK);
  rows.push(...left.slice(0, MOST_CLEARED).map((k) => row(desk, k, "–", true)));
  $(".rows").replaceChildren(...rows);
  $(".no-rows").hidden = rows.length > 0;
  $(".table-scroll").hidden = !rows.length;
  desk.put(".more-rows", order.length > MOST ? `The ${MOST} loudest of ${order.length} regions.` : "");
}

/** @param {Desk} desk @param {number} k @param {string} number @param {boolean} removed */
function row(desk, k, number, removed) {
  const now = shown(desk), region = /** @type {import("./regions.js").Found} */ (removed ? now.removed : now.found).regions[k];
  const node = make("tr", removed ? "removed" : "");
  node.dataset[removed ? "removed" : "region"] = String(k);
  const show = makeButton("show-region", removed ? "cleared" : number);
  show.title = "Show it on the image";
  show.setAttribute("aria-label", removed ? "Show the cleared region" : `Show region ${number}`);
  const drop = makeButton("drop", removed ? "Keep" : "Drop");
  drop.setAttribute("aria-label", removed ? "Keep this region after all" : `Drop region ${number}`);
  for (const cell of [show, ...factsOf(now, region), removed ? "" : labelInput(desk, region, number), drop])
    node.insertCell().append(cell);
  return node;
}

/** @param {Desk} desk @param {import("./regions.js").Region} region @param {string} number */
function labelInput(desk, region, number) {
  const input = make("input", "label"), value = labelOf(/** @type {Labelled} */ (shown(desk)), region);
  Object.assign(input, { type: "text", maxLength: 60, placeholder: "label", value });
  input.setAttribute("aria-label", `Label of region ${number}`);
  input.setAttribute("list", desk.wordList);
  return input;
}

/** Makes a region the selected one, -1 for none. @param {Desk} desk @param {number} k @param {boolean} zoom */
export function select(desk, k, zoom) {
  const now = shown(desk);
  now.selected = k;
  for (const row of /** @type {Iterable<HTMLElement>} */ (desk.$(".rows").children)) {
    const mine = row.dataset.region === String(k);
    row.classList.toggle("selected", mine);
    if (mine) row.setAttribute("aria-current", "true"); else row.removeAttribute("aria-current");
    // Only the table scrolls, never the page.
    if (mine && !zoom) { const box = desk.$(".table-scroll"); box.scrollTop = row.offsetTop - box.clientHeight / 2; }
  }
  if (zoom && k >= 0 && now.found) zoomToRegion(desk, now.found.regions[k]);
  schedule(desk, "cursor");
}

/** The labels used so far, to choose from. @param {Desk} desk */
export function offerWords(desk) {
  desk.$(".memory").replaceChildren(...desk.words.map((word) => Object.assign(make("option"), { value: word })));
}
