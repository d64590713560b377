// The queue of images: highest score first, or what is nearest the threshold.

/** @typedef {{ item: string, name: string, twin?: number, score: number, decision: string, verdict?: string | null, threshold?: number | null, edited?: boolean, judge?: string, revision?: number }} Entry */

/** @param {Entry} a @param {Entry} b */
export const byScore = (a, b) => b.score - a.score || a.name.localeCompare(b.name);

/** What the model is least sure of first. @param {Entry} a @param {Entry} b */
const byDoubt = (a, b) => doubt(a) - doubt(b) || byScore(a, b);
const doubt = (/** @type {Entry} */ { score, threshold }) => Math.abs(score - (threshold ?? score));

/** The orders on offer. @type {Record<string, (a: Entry, b: Entry) => number>} */
export const ORDERS = { score: byScore, doubt: byDoubt };

/** @param {Entry[]} queue @param {string | null | undefined} item @param {number} by */
export const neighbour = (queue, item, by) => queue[queue.findIndex((entry) => entry.item === item) + by]?.item;

/** The next one that no one has decided on, from here on round. @param {Entry[]} queue @param {string} item */
export function nextUndecided(queue, item) {
  const at = queue.findIndex((entry) => entry.item === item);
  return [...queue.slice(at + 1), ...queue.slice(0, at)].find((entry) => entry.decision === "undecided")?.item;
}
