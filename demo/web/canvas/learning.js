// How a training that was begun at the desk stands: its stage, the time left, what it finds so far.
import { make } from "../dom.js";
import { plural } from "../text.js";

/**
 * @typedef {import("./desk.js").Desk} Desk
 * @typedef {{ name: string, state: string, count: number, ahead: number, phase: string, done: number, left: number | null,
 *   previews: string[] }} Learning
 */

/** How much a new estimate of the time left moves the one that is shown. */
const TRUST = 0.3;
/** @type {Record<string, string>} */
const PHASES = { "feature branch": "looking at the good parts", "pixel branch": "learning to draw them", calibration: "setting the threshold" };

/** @param {Desk} desk @param {Learning | null} told */
export function showLearning(desk, told) {
  const over = !told || told.state === "done" || told.state === "failed", box = desk.$(".learning");
  box.hidden = over;
  if (over) { desk.lesson = null; return; }
  const { name, count, ahead, state, phase, done, left, previews } = told;
  desk.put(".learning-what", `Learning ${name} from ${plural(count, "photograph")}`);
  desk.put(".learning-left", state === "waiting" ? (ahead ? `waits for ${plural(ahead, "training")}` : "is next")
    : state === "paused" ? "paused" : `${PHASES[phase] ?? "starting"}${timeLeft(desk, left)}`);
  const bar = /** @type {HTMLProgressElement} */ (desk.$(".learning-bar"));
  bar.value = Math.max(bar.value * Number(desk.lesson?.name === name), done);
  desk.lesson = { ...desk.lesson, name };
  /** @type {HTMLButtonElement} */ (desk.$(".lesson-stop")).disabled = state !== "running";
  const row = desk.$(".learning-previews");
  if (row.dataset.shown === String(previews.join())) return;
  row.dataset.shown = previews.join();
  row.replaceChildren(...previews.map((url) => Object.assign(make("img"), { src: url, alt: "A held-out good part with a painted defect, and its map" })));
}

/** It counts down, and a new estimate moves it little by little. @param {Desk} desk @param {number | null} left seconds */
function timeLeft(desk, left) {
  if (left === null) return "";
  const now = performance.now() / 1000, last = desk.lesson?.left, expected = last ? Math.max(0, last.seconds - (now - last.at)) : left;
  const seconds = expected + TRUST * (left - expected);
  desk.lesson = { name: desk.lesson?.name ?? "", left: { seconds, at: now } };
  return seconds > 90 ? `, about ${Math.round(seconds / 60)} min left` : `, about ${Math.max(1, Math.round(seconds / 5) * 5)} s left`;
}
