// The queue of images, highest score first.

/** @typedef {{ item: string, name: string, score: number, decision: string, verdict?: string | null, edited?: boolean, judge?: string }} Entry */

/** @param {Entry} a @param {Entry} b */
export const byScore = (a, b) => b.score - a.score || a.name.localeCompare(b.name);

/** @param {Entry[]} queue @param {string | null | undefined} item @param {number} by */
export const neighbour = (queue, item, by) => queue[queue.findIndex((entry) => entry.item === item) + by]?.item;

/** The next one that no one has decided on, from here on round. @param {Entry[]} queue @param {string} item */
export function nextUndecided(queue, item) {
  const at = queue.findIndex((entry) => entry.item === item);
  return [...queue.slice(at + 1), ...queue.slice(0, at)].find((entry) => entry.decision === "undecided")?.item;
}
