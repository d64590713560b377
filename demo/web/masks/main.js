// The panel of masks that came in: what was matched, what waits for a person's word, the undoing.
import { make, within } from "../dom.js";
import { plural } from "../text.js";
import { drawMatched, drawWaiting, showImages } from "./draw.js";
import { offered, pairsOf, summaryOf, troubleOf } from "./rows.js";

/** @typedef {ReturnType<typeof createPanel>} Panel */

/**
 * @param {HTMLElement} element @param {(event: string, data?: object) => void} trigger
 * @param {Record<string, (request: object) => Promise<any>>} server
 */
function createPanel(element, trigger, server) {
  return {
    element, trigger, server, ...within(element),
    /** @type {import("./rows.js").Brought | null} */
    brought: null,
    /** By mask. @type {Map<number, import("./rows.js").Choice>} */
    choices: new Map(),
    /** Small pictures of images. @type {Map<string, string>} */
    pictures: new Map(),
  };
}

/**
 * Brings a panel to life; returns what takes the component's values.
 * @param {{ element: HTMLElement, trigger: (event: string, data?: object) => void,
 *   server: Record<string, (request: object) => Promise<any>> }} component of gr.HTML
 */
export function start({ element, trigger, server }) {
  const panel = createPanel(element, trigger, server), { $, input } = panel;
  $(".asked").addEventListener("submit", (event) => {
    event.preventDefault();
    const { brought, choices } = panel;
    if (brought && !input(".use").disabled) trigger("use", { pairs: pairsOf(brought.waiting, choices) });
  });
  $(".leave").addEventListener("click", () => trigger("leave"));
  $(".undo").addEventListener("click", () => trigger("undo"));
  input(".tick-all").addEventListener("change", () => {
    for (const choice of panel.choices.values()) choice.ticked = input(".tick-all").checked && choice.item !== "";
    changed(panel);
  });
  return (/** @type {any} */ value) => load(panel, value);
}

/** What the server says, the component's value. @param {Panel} panel @param {any} value */
function load(panel, value) {
  if (!["waiting", "images", "matched", "notes"].every((part) => Array.isArray(value?.[part]))) return;
  const { $, put, element } = panel, inside = $(".asked").contains(document.activeElement);
  /** @type {import("./rows.js").Brought} */
  const brought = panel.brought = value;
  panel.choices = new Map(brought.waiting.map((mask) => [mask.id, panel.choices.get(mask.id) ?? offered(mask, brought.images)]));
  $(".brought").dataset.state = brought.count || brought.total || brought.notes.length || brought.undo ? "full" : "empty";
  put(".said", summaryOf(brought));
  $(".undo").hidden = !brought.undo;
  $(".notes").hidden = !brought.notes.length;
  $(".notes").replaceChildren(...brought.notes.map((note) => make("li", "", note)));
  drawMatched(panel, brought);
  $(".asked").hidden = !brought.waiting.length;
  drawWaiting(panel, brought, () => changed(panel));
  changed(panel);
  if (inside && $(".asked").hidden) (/** @type {HTMLElement} */ (element.querySelector(".undo:not([hidden])")) ?? $(".brought")).focus();
}

/** Ticks, images and buttons as they are now. @param {Panel} panel */
function changed(panel) {
  const { brought, choices, $, input, put } = panel;
  if (!brought) return;
  const pairs = pairsOf(brought.waiting, choices), trouble = troubleOf(brought.waiting, choices, brought.images);
  const ready = [...choices.values()].filter((choice) => choice.item).length;
  put(".trouble", trouble);
  input(".use").disabled = !pairs.length || Boolean(trouble);
  const more = brought.total - brought.waiting.length, shown = more > 0 ? `; ${plural(more, "more mask")} will follow` : "";
  put(".ticked", `${pairs.length} of ${brought.waiting.length} ticked${shown}`);
  input(".tick-all").checked = ready > 0 && pairs.length === ready;
  input(".tick-all").indeterminate = pairs.length > 0 && pairs.length < ready;
  input(".tick-all").disabled = !ready;
  $(".asked").querySelectorAll("tbody tr").forEach((row) => {
    const choice = choices.get(Number(/** @type {HTMLElement} */ (row).dataset.mask)), tick = /** @type {HTMLInputElement} */ (row.querySelector(".tick"));
    tick.checked = Boolean(choice?.ticked);
    tick.disabled = !choice?.item;
  });
  showImages(panel);
}
