// Pointing at a map, or at the verdict, shows it on the image; a click takes a map in or out.
import { setScale } from "./actions.js";
import { look, MEAN } from "./strip.js";

/** @typedef {import("./desk.js").Desk} Desk */

/** Pointing at a map shows it; a finger's first touch shows it, the next takes it in or out. @param {Desk} desk */
export function listenToMaps(desk) {
  const maps = desk.$(".strip"), verdict = desk.$(".verdict");
  /** @type {number | null} */
  let touched = null;
  const of = (/** @type {EventTarget | null} */ target) => {
    const button = /** @type {HTMLElement | null} */ (/** @type {Element | null} */ (target)?.closest?.(".look[data-scale]") ?? null);
    return button ? Number(button.dataset.scale) : null;
  };
  maps.addEventListener("pointerover", (event) => { if (event.pointerType !== "touch") look(desk, of(event.target)); });
  maps.addEventListener("pointerleave", (event) => { if (event.pointerType !== "touch") look(desk, null); });
  maps.addEventListener("focusin", (event) => look(desk, of(event.target)));
  maps.addEventListener("focusout", () => look(desk, null));
  maps.addEventListener("click", (event) => {
    const i = of(event.target), finger = /** @type {PointerEvent} */ (event).pointerType === "touch";
    if (i === null || !desk.now) return;
    if (finger && touched !== i) look(desk, i); else setScale(desk, i);
    touched = i;
  });
  verdict.addEventListener("pointerenter", () => look(desk, MEAN));
  verdict.addEventListener("pointerleave", () => look(desk, null));
}
