// The column of maps beside the image: their mean, then one a noise scale and branch. Pointing at
// one shows it on the image, a click takes it in or out of the mean.
import { decimal } from "../text.js";
import { make, makeButton } from "../dom.js";
import { shown } from "./desk.js";
import { schedule } from "./frame.js";
import { clipped, gainOf, OPAQUE } from "./heat.js";
import { sample } from "./maps.js";
import { captionOf, mapWords } from "./words.js";

/**
 * @typedef {import("./desk.js").Desk} Desk
 * @typedef {import("./desk.js").Inspected} Inspected
 */

/** The mean's place among the maps. */
export const MEAN = -1;

/** @param {Desk} desk */
export function strip(desk) {
  const now = shown(desk), seat = desk.$(".strip"), focused = /** @type {HTMLElement | null} */ (document.activeElement);
  const held = focused && seat.contains(focused) ? focused.dataset.scale : undefined;
  const mean = lookButton(now, MEAN, { values: now.map, w: now.width, h: now.height }, ["Mean", "decides"]);
  mean.setAttribute("aria-pressed", String(desk.options.heat));
  mean.title = "The mean of the ticked maps: the threshold cuts it. A click keeps its heat on the image (H)";
  const coming = now.partial ? now.of - now.scales.length : 0;
  seat.replaceChildren(mean, ...now.scales.map((_, i) => card(now, i)), ...Array.from({ length: coming }, () => make("div", "look coming")));
  if (held !== undefined) /** @type {HTMLElement | null} */ (seat.querySelector(`[data-scale="${held}"]`))?.focus({ preventScroll: true });
}

/** @param {Inspected} now @param {number} i @param {import("./maps.js").ScoreMap} map @param {[string, string]} words */
function lookButton(now, i, map, [name, term]) {
  const button = makeButton("look");
  button.dataset.scale = String(i);
  button.classList.toggle("seen", now.look === i);
  button.append(thumbnail(now, map), make("b", "", name), make("small", "", term), make("i", "share"));
  return button;
}

/** @param {Inspected} now @param {number} i */
function card(now, i) {
  const scale = now.scales[i], button = lookButton(now, i, scale.map, mapWords(scale)), on = now.on[i];
  button.setAttribute("aria-pressed", String(on));
  const adds = now.peakAt >= 0 ? `, adds ${decimal(scale.weight * sample(scale.map, now.peakAt, now), 2)} to the score at its peak` : "";
  button.title = `${captionOf(scale)}${adds}. In the mean: ${on ? "yes, a click takes it out" : "no, a click takes it in"}`;
  button.append(make("span", "tick", on ? "✓" : ""));
  return button;
}

/** Shows a map on the image: a scale's, the mean's, or null for the photograph alone. @param {Desk} desk @param {number | null} i */
export function look(desk, i) {
  const { now } = desk;
  if (!now || now.look === i || (i !== null && i >= now.scales.length)) return;
  now.look = i;
  desk.$(".viewer").toggleAttribute("data-heat", desk.options.heat || i !== null);
  for (const button of desk.buttons(".look")) button.classList.toggle("seen", button.dataset.scale === String(i));
  desk.put(".caption", i === null ? "" : captionOf(now.scales[i]));
  schedule(desk, "overlay");
}

/** Each map's part of the score at a pixel, as a bar in its card; -1 for nowhere. @param {Desk} desk @param {number} at */
export function shares(desk, at) {
  const { scales, on } = shown(desk), now = shown(desk);
  const parts = scales.map(({ weight, map }, i) => (on[i] && at >= 0 ? Math.max(0, weight * sample(map, at, now)) : 0));
  const whole = parts.reduce((sum, part) => sum + part, 0) || 1;
  for (const button of desk.buttons(".look[data-scale]")) {
    const i = Number(button.dataset.scale);
    if (i >= 0) button.style.setProperty("--share", String(parts[i] / whole));
  }
  return parts.map((part) => part / whole);
}

/** @param {Inspected} now @param {import("./maps.js").ScoreMap} map */
function thumbnail(now, { values, w, h }) {
  const canvas = make("canvas"), most = 128, by = Math.min(1, most / Math.max(w, h));
  canvas.width = Math.max(1, Math.round(w * by)); canvas.height = Math.max(1, Math.round(h * by));
  canvas.style.aspectRatio = `${now.width} / ${now.height}`;
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const data = context.createImageData(canvas.width, canvas.height), pixels = new Uint32Array(data.data.buffer), gain = gainOf(now);
  for (let y = 0; y < canvas.height; y++)
    for (let x = 0; x < canvas.width; x++) {
      const value = values[Math.floor((y + 0.5) / by) * w + Math.floor((x + 0.5) / by)];
      pixels[y * canvas.width + x] = OPAQUE[clipped((value - now.low) * gain)];
    }
  context.putImageData(data, 0, 0);
  return canvas;
}
