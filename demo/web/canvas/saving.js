// Every change is saved at once: what is sent and when.
import { settle } from "./analysis.js";
import { shown } from "./desk.js";
import { ask, enter } from "./queue.js";
import { encodeRuns } from "./runs.js";

/** @typedef {import("./desk.js").Desk} Desk */

const SOON = 150, AGAIN = 2000;

/** @param {Desk} desk @param {string} text @param {boolean} [wrong] */
export function tell(desk, text, wrong = false) {
  desk.put(".saved", text);
  desk.$(".saved").classList.toggle("wrong", wrong);
}

/** What could not be done, until the next thing is. @param {Desk} desk @param {string} [text] */
export const complain = (desk, text = "") => { desk.put(".complaint", text); desk.put(".mention", ""); };

/** @param {Desk} desk @param {number} [wait] milliseconds for more to come */
export function save(desk, wait = SOON) {
  if (!desk.now?.item) return;
  desk.unsaved = true;
  tell(desk, "Saving …");
  clearTimeout(desk.saveTimer);
  desk.saveTimer = setTimeout(() => flush(desk), wait);
}

/** Sets aside what has changed on the desk, so that another image may come onto it. @param {Desk} desk */
export function setAside(desk) {
  settle(desk);
  if (desk.unsaved && desk.now?.item) {
    const review = reviewOf(desk.now, desk.options.reviewer), conflict = desk.conflicts.get(desk.now.item);
    if (conflict) conflict.review = review; else desk.pending.set(desk.now.item, review);
  }
  desk.unsaved = false;
}

/** Sends what has changed; resolves when it is on the server's disk, or the server is out of reach. @param {Desk} desk */
export function flush(desk) {
  clearTimeout(desk.saveTimer);
  setAside(desk);
  desk.saving ??= sendAll(desk).finally(() => { desk.saving = null; });
  return desk.saving;
}

/** Waits for what is on its way, if anything is. @param {Desk} desk */
export async function saved(desk) {
  if (isSaving(desk)) await flush(desk);
}

/** @param {Desk} desk */
export const isSaving = (desk) => Boolean(desk.unsaved || desk.pending.size || desk.saving);

/** @param {Desk} desk */
async function sendAll(desk) {
  const { pending } = desk;
  while (pending.size) {
    const [[item, review]] = pending;
    pending.delete(item);
    const answer = await ask(desk, "save", { item, review, revision: desk.bases.get(item) });
    if (answer.lost) {
      if (!pending.has(item)) pending.set(item, review);
      desk.saveTimer = setTimeout(() => flush(desk), AGAIN);
      return tell(desk, "Not saved: the server does not answer. It will be tried again.", true);
    }
    if (answer.error) return tell(desk, `Not saved: ${answer.error}`, true);
    if (answer.conflict) {
      desk.conflicts.set(item, { review, revision: answer.revision });
      showConflict(desk);
      return tell(desk, "Not saved: it was changed from another page.", true);
    }
    desk.bases.set(item, answer.entry.revision);
    enter(desk, answer.entry);
    setAside(desk);
  }
  tell(desk, `Saved ${new Date().toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })}`);
}

/** Asks whose work is to stay, where another page has changed the image. @param {Desk} desk */
export function showConflict(desk) {
  desk.$(".conflict").hidden = !desk.conflicts.has(desk.now?.item ?? "");
}

/** The work that was done here goes. @param {Desk} desk */
export function dropMine(desk) {
  clearTimeout(desk.saveTimer);
  desk.unsaved = false;
  desk.pending.delete(shown(desk).item ?? "");
  desk.conflicts.delete(shown(desk).item ?? "");
}

/** The work that was done here takes the place of the other page's. @param {Desk} desk */
export async function keepMine(desk) {
  const item = desk.now?.item, conflict = item && desk.conflicts.get(item);
  if (!item || !conflict) return;
  setAside(desk);
  desk.pending.set(item, conflict.review);
  desk.bases.set(item, conflict.revision);
  desk.conflicts.delete(item);
  showConflict(desk);
  await flush(desk);
}

/** @param {import("./desk.js").Inspected} now @param {string} reviewer */
function reviewOf(now, reviewer) {
  const touched = now.painted || now.zoned || now.least > 1 || now.fill || !now.on.every(Boolean);
  return {
    threshold: now.threshold, least: now.least, fill: now.fill, decision: now.decision,
    off: now.scales.filter((_, i) => !now.on[i]).map((scale) => scale.name),
    reviewer, labels: now.labels, locked: now.locked,
    added: now.painted ? encodeRuns(now.paint, 1) : null, removed: now.painted ? encodeRuns(now.paint, 2) : null,
    zone: now.zoned ? encodeRuns(now.zone) : null, mask: touched ? encodeRuns(now.mask) : null,
  };
}
