// The image as a good part, beside it on the canvas: a line that is dragged parts the two.
import { shown } from "./desk.js";
import { schedule } from "./frame.js";
import { askLike } from "./like.js";

/**
 * @typedef {import("./desk.js").Desk} Desk
 * @typedef {{ item: string | null, can?: boolean, keeps?: boolean, image?: string, step?: number | null, of?: number }} Reached
 *   `can`: whether the model can draw it; `image`: how far it is, done where there is no step
 */

const NEAR = 8;

/** @param {string} url @returns {Promise<HTMLImageElement>} */
export const loaded = (url) => new Promise((done, fail) => {
  const image = new Image();
  image.onload = () => done(image);
  image.onerror = () => fail(new Error("the picture cannot be shown"));
  image.src = url;
});

/** What the server says of the normal version. @param {Desk} desk @param {Reached} reached */
export async function reach(desk, { item, can, keeps, image, step, of }) {
  const picture = image ? await loaded(image) : null, { now } = desk;
  if (!now || now.item !== item) return;
  if (can !== undefined) now.restorable = can;
  if (keeps !== undefined) now.keeps = keeps;
  now.step = picture && typeof step === "number" ? [step, of ?? step] : null;
  if (picture) now.normal = picture;
  offerNormal(desk);
  schedule(desk, "view");
}

/** The button on the canvas, and the slider once there is something to compare. @param {Desk} desk */
export function offerNormal(desk) {
  const { normal, restorable, keeps, step, partial } = shown(desk), button = desk.$(".as-good");
  button.hidden = !!partial || !(restorable || normal || keeps);
  button.setAttribute("aria-pressed", String(!!normal && !step));
  desk.put(".as-good", step ? `Step ${step[0]} of ${step[1]} · stop` : normal ? "Photograph alone"
    : restorable ? "Show it as a good part" : "This place on good parts");
  const slider = desk.input(".compare");
  slider.hidden = !normal;
  slider.value = String(100 * desk.split);
}

/** Begins it, stops it, or takes what was reached off the image. @param {Desk} desk */
export function askNormal(desk) {
  const now = shown(desk);
  if (!now.normal && !now.restorable) return askLike(desk);
  if (now.step) return desk.trigger("halt");
  if (now.normal) { now.normal = null; schedule(desk, "view"); return offerNormal(desk); }
  now.step = [0, 1];
  desk.put(".as-good", "Looking at the image …");
  desk.trigger("normal");
}

/** @param {Desk} desk @param {number} share of the image that is shown as a good part, from the left */
export function part(desk, share) {
  desk.split = Math.min(1, Math.max(0, share));
  desk.input(".compare").value = String(100 * desk.split);
  schedule(desk, "view");
}

/** Where the line is on the screen. @param {Desk} desk */
const lineAt = ({ view, split }, /** @type {{ width: number }} */ { width }) => view.x + split * width * view.scale;

/** Whether a press there takes hold of the line. @param {Desk} desk @param {{ x: number }} at */
export function holdsLine(desk, { x }) {
  return !!desk.now?.normal && Math.abs(x - lineAt(desk, desk.now)) <= NEAR * desk.view.ratio;
}

/** @param {Desk} desk @param {{ x: number }} at */
export const dragLine = (desk, { x }) => part(desk, (x - desk.view.x) / (shown(desk).width * desk.view.scale));

/** The good part over the photograph, left of the line. @param {Desk} desk @param {CanvasRenderingContext2D} context */
export function drawNormal(desk, context) {
  const { view, split } = desk, { normal, width, height } = shown(desk);
  if (!normal) return;
  const shownWidth = width * view.scale * split;
  context.drawImage(normal, 0, 0, normal.naturalWidth * split, normal.naturalHeight, view.x, view.y, shownWidth, height * view.scale);
}

/** The line and its grip. @param {Desk} desk @param {CanvasRenderingContext2D} context @param {(paint: () => void) => void} twice */
export function drawLine(desk, context, twice) {
  const { view, cursor } = desk, now = shown(desk);
  if (!now.normal) return;
  const x = lineAt(desk, now), top = Math.max(0, view.y), bottom = Math.min(cursor.height, view.y + now.height * view.scale);
  const grip = 7 * view.ratio, middle = (top + bottom) / 2;
  twice(() => {
    context.beginPath(); context.moveTo(x, top); context.lineTo(x, bottom); context.stroke();
    context.strokeRect(x - grip / 2, middle - grip, grip, 2 * grip);
  });
}
