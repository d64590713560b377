// Masks that wait: which images each may be for, what was chosen, what there is to say.
import { grouped, plural } from "../text.js";

/**
 * @typedef {{ id: number, name: string, why: string, how: string, role: "truth" | "draft", thumb: string, area: number,
 *   width: number, height: number, candidates: string[] }} Waiting a mask of which a person is to say whose it is
 * @typedef {[string, string, number, number]} Shot an image: id, name, width, height
 * @typedef {{ session: string, role: "truth" | "draft", count: number, matched: [string, string, string][], notes: string[],
 *   undo: boolean, total: number, waiting: Waiting[], images: Shot[] }} Brought what the server says
 * @typedef {{ item: string, ticked: boolean }} Choice the image chosen for a mask, "" for none yet
 */

const OTHERS = 200;

/** The images of a mask's size: those that its name may mean, and others. @param {Waiting} mask @param {Shot[]} images */
export function choicesOf(mask, images) {
  const fitting = images.filter(([, , width, height]) => width === mask.width && height === mask.height);
  const likely = fitting.filter(([id]) => mask.candidates.includes(id));
  const others = fitting.filter(([id]) => !mask.candidates.includes(id));
  others.sort(([, a], [, b]) => a.localeCompare(b, undefined, { numeric: true }));
  return { likely, others: others.slice(0, OTHERS) };
}

/** One image that may be meant is offered, not taken. @param {Waiting} mask @param {Shot[]} images @returns {Choice} */
export function offered(mask, images) {
  const { likely } = choicesOf(mask, images);
  return { item: likely.length === 1 ? likely[0][0] : "", ticked: false };
}

/** What is ticked. @param {Waiting[]} masks @param {Map<number, Choice>} choices */
export const pairsOf = (masks, choices) => masks.flatMap(({ id }) => {
  const choice = choices.get(id);
  return choice?.ticked && choice.item ? [{ id, item: choice.item }] : [];
});

/** Why the ticked ones cannot be used, "" if they can. @param {Waiting[]} masks @param {Map<number, Choice>} choices @param {Shot[]} images */
export function troubleOf(masks, choices, images) {
  /** @type {Map<string, string>} */
  const taken = new Map();
  for (const { id, item } of pairsOf(masks, choices)) {
    const name = masks.find((mask) => mask.id === id)?.name ?? "", other = taken.get(item);
    if (other !== undefined) return `${other} and ${name} cannot both be the mask of ${images.find(([each]) => each === item)?.[1] ?? "one image"}.`;
    taken.set(item, name);
  }
  return "";
}

/** @param {Brought} brought */
export function summaryOf({ count, total, role }) {
  const what = role === "draft" ? "draft" : "mask", said = [];
  if (count) said.push(`${plural(count, what)} put on ${count === 1 ? "its image" : "their images"}`);
  if (total) said.push(`${plural(total, "mask")} ${total === 1 ? "waits" : "wait"} for your word`);
  return said.length ? `${said.join("; ")}.` : "";
}

/** What a mask marks, and how its file was read. @param {Waiting} mask */
export function marksOf({ area, width, height, how }) {
  const marked = area ? `marks ${grouped(area)} of ${width} × ${height} pixels` : `marks nothing of ${width} × ${height} pixels`;
  return how ? `${marked}; ${how}` : marked;
}
