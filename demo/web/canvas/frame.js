// Drawing waits for the next frame, however much changes until then.
import { union } from "./geometry.js";

/** @typedef {import("./desk.js").Desk} Desk */

/**
 * `view`: everything anew; `overlay`: heat and mask, within a rectangle of the image if there is
 * one; `cursor`: what is drawn in each frame anyway.
 * @param {Desk} desk @param {"view" | "overlay" | "cursor"} what @param {import("./geometry.js").Rect | null} [rect]
 */
export function schedule(desk, what, rect = null) {
  if (what === "view") { desk.stalePhoto = true; desk.staleRect = "all"; }
  if (what === "overlay" && desk.staleRect !== "all") desk.staleRect = rect ? union(desk.staleRect, rect) : "all";
  if (!desk.frame) desk.frame = requestAnimationFrame(() => desk.draw());
}

/** Does something that the benchmark counts as this frame's work. @param {Desk} desk @param {() => void} act */
export function timed(desk, act) {
  const began = performance.now();
  act();
  desk.spent += performance.now() - began;
}
