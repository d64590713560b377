// The map of each scale, small; one of them on the image. What a click does is in controls.js.
import { make, makeButton } from "../dom.js";
import { shown } from "./desk.js";
import { schedule } from "./frame.js";
import { clipped, gainOf, OPAQUE } from "./heat.js";
import { addResized, sample } from "./maps.js";
import { captionOf, seenBy } from "./words.js";

/**
 * @typedef {import("./desk.js").Desk} Desk
 * @typedef {import("./desk.js").Inspected} Inspected
 */

/** @param {Desk} desk */
export function strip(desk) {
  const now = shown(desk), average = make("div", "card"), button = lookButton(now, -1);
  button.append(thumbnail(now, { values: now.map, w: now.width, h: now.height }), make("b", "", "Average"), make("small", "", "decides"));
  average.append(button);
  desk.$(".strip").replaceChildren(average, ...now.scales.map((_, i) => card(now, i)));
}

/** @param {Inspected} now @param {number} i */
function lookButton(now, i) {
  const button = makeButton("look");
  button.setAttribute("aria-pressed", String(now.look === i));
  button.dataset.scale = String(i);
  return button;
}

/** @param {Inspected} now @param {number} i */
function card(now, i) {
  const scale = now.scales[i], card = make("div", "card"), keep = make("label", "keep"), box = make("input"), button = lookButton(now, i);
  const detail = `${seenBy(scale.branch)}, noise ${(100 * scale.noise).toFixed(0)}\u00a0%`;
  button.append(thumbnail(now, scale.map), make("b", "", `t = ${scale.t}`), make("small", "", detail));
  if (now.peakAt >= 0) {
    const adds = scale.weight * sample(scale.map, now.peakAt, now);
    button.append(make("small", "", `adds ${adds.toFixed(2)}`));
    button.title = `${adds.toFixed(2)} of the score of ${now.score.toFixed(2)}, at its peak`;
  }
  Object.assign(box, { type: "checkbox", checked: now.on[i] });
  box.dataset.scale = String(i);
  box.setAttribute("aria-label", `t = ${scale.t}, ${seenBy(scale.branch)}: counts in the average`);
  keep.append(box, "counts");
  card.append(button, keep);
  return card;
}

/** Shows a scale's map on the image, -1 for the average. @param {Desk} desk @param {number} i */
export function look(desk, i) {
  const now = shown(desk), scale = now.scales[i];
  now.look = i;
  now.shown = null;
  if (scale) addResized((now.shown = new Float32Array(now.map.length)), now.width, now.height, scale.map, 1);
  for (const button of desk.buttons(".look")) button.setAttribute("aria-pressed", String(button.dataset.scale === String(i)));
  desk.put(".caption", captionOf(scale));
  schedule(desk, "overlay");
}

/** @param {Inspected} now @param {import("./maps.js").ScoreMap} map */
function thumbnail(now, { values, w, h }) {
  const canvas = make("canvas"), most = 96, by = Math.min(1, most / Math.max(w, h));
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
