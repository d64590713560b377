// What a place looks like on good parts: patches of photographs that the model keeps.
import { decimal } from "../text.js";
import { make } from "../dom.js";
import { refresh } from "./analysis.js";
import { shown } from "./desk.js";
import { toImage } from "./geometry.js";
import { complain } from "./saving.js";

/**
 * @typedef {import("./desk.js").Desk} Desk
 * @typedef {{ item: string | null, here: string, patches: { image: string, error: number }[], error?: string }} Like
 */

const AROUND = 0.05;

/** Asks for the selected region, else for the loudest one, else for what is in the middle of the view. @param {Desk} desk */
export function askLike(desk) {
  const tray = desk.$(".like"), now = shown(desk);
  if (!tray.hidden) return hideLike(desk);
  if (!now.item || !now.keeps) return;
  tray.hidden = false;
  tray.setAttribute("aria-busy", "true");
  desk.$(".like-row").replaceChildren(...Array.from({ length: 4 }, () => make("figure", "coming-place")));
  desk.trigger("place", { box: placeOf(desk) });
}

/** @param {Desk} desk */
function placeOf(desk) {
  const now = shown(desk), { regions } = refresh(desk), loudest = [...regions].sort((a, b) => b.peak - a.peak)[0];
  const region = regions[now.selected] ?? loudest;
  if (region) return [region.left, region.top, region.right, region.bottom];
  const middle = toImage(desk.view, desk.photo.width / 2, desk.photo.height / 2), reach = Math.max(4, Math.round(AROUND * Math.max(now.width, now.height)));
  const low = (/** @type {number} */ at, /** @type {number} */ most) => Math.min(Math.max(0, Math.round(at) - reach), most - 1);
  const left = low(middle.x, now.width), top = low(middle.y, now.height);
  return [left, top, Math.min(now.width, left + 2 * reach), Math.min(now.height, top + 2 * reach)];
}

/** @param {Desk} desk @param {Like} like */
export function showLike(desk, { item, here, patches, error }) {
  if (item !== desk.now?.item || desk.$(".like").hidden) return;
  if (error) { hideLike(desk); return complain(desk, error); }
  const figures = [figure(here, "this part"), ...patches.map(({ image, error: off }, k) => figure(image, `good part ${k + 1}`, `differs by ${decimal(off, 0)} of 255 around what is marked`))];
  desk.$(".like-row").replaceChildren(...figures);
  desk.$(".like").removeAttribute("aria-busy");
}

/** @param {Desk} desk */
export function hideLike(desk) { desk.$(".like").hidden = true; }

/** @param {string} url @param {string} called @param {string} [title] */
function figure(url, called, title = "") {
  const node = make("figure"), picture = make("img");
  Object.assign(picture, { src: url, alt: "" });
  node.title = title;
  node.append(picture, make("figcaption", "", called));
  return node;
}
