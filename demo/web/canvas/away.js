// Files to take away, masks brought in.
import { make } from "../dom.js";
import { replaceMask } from "./edit.js";
import { decodeBytes } from "./maps.js";
import { neighbour } from "./order.js";
import { ask } from "./queue.js";
import { decodeRuns } from "./runs.js";
import { complain, saved } from "./saving.js";

/** @typedef {import("./desk.js").Desk} Desk */

const LARGEST = 32e6, PORTION = 32768;

/** @param {Desk} desk @param {string} format @param {HTMLButtonElement} button */
export async function take(desk, format, button) {
  if (!desk.now?.item) return;
  button.disabled = true;
  await saved(desk);
  const answer = await ask(desk, "take", { item: desk.now?.item, format });
  button.disabled = false;
  complain(desk, answer.error);
  if (answer.error) return;
  const link = make("a");
  link.href = URL.createObjectURL(new Blob([decodeBytes(answer.data)], { type: answer.type }));
  link.download = answer.name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

/** The mask of the image before this one in the queue, in place of this one's. @param {Desk} desk */
export async function copyMask(desk) {
  const { now } = desk, from = neighbour(desk.queue, now?.item, -1);
  if (!now?.item) return;
  if (!from) return complain(desk, "This is the first image of the queue: there is none before it.");
  await askMask(desk, "copy", { from });
}

/** A mask that the server gives takes the place of this image's; the answer, null where there was none. @param {Desk} desk @param {string} name @param {object} request */
async function askMask(desk, name, request) {
  const { now } = desk, answer = await ask(desk, name, { item: now?.item, ...request });
  if (answer.error) { complain(desk, answer.error); return null; }
  if (!now || desk.now !== now) return null;
  complain(desk);
  now.labels.push(...answer.labels ?? []);
  replaceMask(desk, (paint) => { paint.fill(2); decodeRuns(answer.mask, paint, 1); });
  return answer;
}

/** @param {Desk} desk @param {File | undefined} file */
export async function bring(desk, file) {
  const { now } = desk;
  if (!now?.item || !file) return;
  if (file.size > LARGEST) return complain(desk, `${file.name} is larger than 32 MB: choose a smaller one.`);
  const bytes = new Uint8Array(await file.arrayBuffer());
  let text = "";
  for (let i = 0; i < bytes.length; i += PORTION) text += String.fromCharCode(...bytes.subarray(i, i + PORTION));
  const answer = await askMask(desk, "bring", { name: file.name, data: btoa(text) });
  if (answer) desk.put(".mention", answer.how);
}
