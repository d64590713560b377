// What the panel shows of the image as it stands.
import { shape } from "../dom.js";
import { decimal, percent } from "../text.js";
import { shown } from "./desk.js";
import { DECISIONS, meaningOf, verdictOf } from "./words.js";

/** @typedef {import("./desk.js").Desk} Desk */

/** Verdict, score and what the threshold means. @param {Desk} desk */
export function describe(desk) {
  const { $, put } = desk, now = shown(desk);
  const { kind, sign, headline, reason } = verdictOf(now), { meaning, alarms, spoken, rate } = meaningOf(now);
  $(".viewer").dataset.verdict = kind;
  $(".sign").textContent = sign;
  put(".headline", headline);
  put(".reason", rate && (kind === "bad" || kind === "good") ? `${reason} ${rate}` : reason);
  $(".uncalibrated").hidden = now.on.every(Boolean);
  put(".meaning", meaning);
  put(".alarms", alarms);
  $(".threshold").setAttribute("aria-valuetext", spoken);
  put(".score", Number.isFinite(now.score) ? decimal(now.score, 2) : "none");
  put(".size", `${now.original[0]} × ${now.original[1]}`);
  const at = (now.threshold - now.low) / Math.max(now.high - now.low, 1e-12);
  $(".legend-mark").style.setProperty("--at", String(Math.min(1, Math.max(0, at))));
  dots(desk);
}

/** How much is marked. @param {Desk} desk */
export function measure(desk) {
  const now = shown(desk), share = percent(now.area / now.mask.length), regions = now.found?.regions.length ?? 0;
  desk.put(".area", share);
  desk.put(".regions", String(regions));
  desk.cursor.setAttribute("aria-label", `${now.name}: ${regions} marked regions, ` +
    `${share} of the image, at threshold ${decimal(now.threshold, 2)}`);
}

/** The scores of the good parts, this image's and the threshold, below the slider. @param {Desk} desk */
function dots(desk) {
  const range = desk.input(".threshold"), low = Number(range.min), span = Number(range.max) - low, now = shown(desk);
  const line = (/** @type {number} */ score, /** @type {string} */ name, /** @type {number} */ top) => {
    const x = (100 * (Math.min(Math.max(score, low), low + span) - low)) / span;
    return shape("line", { x1: x, x2: x, y1: top, y2: 18, class: name });
  };
  const marks = now.normals.map((score) => line(score, "normal", 9));
  if (Number.isFinite(now.score)) marks.push(line(now.score, "this", 0));
  desk.$(".dots").replaceChildren(...marks, line(now.threshold, "cut", 0));
}

/** The decision. @param {Desk} desk */
export function chips(desk) {
  const { decision, painted, zoned, locked } = shown(desk), [sign, text] = DECISIONS[decision];
  for (const button of desk.buttons(".decide")) button.setAttribute("aria-pressed", String(button.dataset.decision === decision));
  desk.put(".status", `${sign} ${text}${painted || zoned ? ", mask edited" : ""}${locked ? ", locked" : ""}`);
  desk.$(".lock").setAttribute("aria-pressed", String(locked));
  desk.$(".status").dataset.decision = decision;
}

/** What can be undone. @param {Desk} desk */
export function steps(desk) {
  const { undo, redo } = shown(desk);
  desk.input(".undo").disabled = !undo.length;
  desk.input(".redo").disabled = !redo.length;
}

/** A link to this image, its model and threshold. @param {Desk} desk */
export function permalink(desk) {
  const { model, threshold, seed, example } = shown(desk);
  const query = new URLSearchParams({ model, threshold: threshold.toFixed(4), seed: String(seed) });
  if (example) query.set("example", example);
  desk.input(".link").value = `${location.origin}${location.pathname}?${query}`;
  desk.put(".link-note", example ? "" : "An upload stays on this server: the link opens the model alone.");
}

/** The controls as the image has them. @param {Desk} desk */
export function controls(desk) {
  const { input, put } = desk, now = shown(desk);
  const range = input(".threshold"), peak = Number.isFinite(now.score) ? now.score : now.high;
  range.min = String(Math.min(now.low, now.normals[0] ?? now.low, now.threshold));
  range.max = String(Math.max(1.05 * Math.max(now.high, peak, now.normals.at(-1) ?? 0), now.threshold));
  range.step = "any";
  range.value = String(now.threshold);
  input(".threshold-number").value = String(Number(now.threshold.toFixed(4)));
  input(".least").value = String(now.least);
  input(".fill").checked = now.fill;
  put(".legend-low", decimal(now.low, 1));
  put(".legend-high", `${decimal(now.high, 1)} σ`);
  for (const control of desk.buttons(".full button, .full input")) control.disabled = !!now.partial;
}
