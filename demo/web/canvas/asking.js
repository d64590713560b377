// What photographs are for: to be judged, or to learn from. Asked where there are enough to learn.
import { plural } from "../text.js";

/** @typedef {import("./desk.js").Desk} Desk */

/** So many can be learned from. */
const FEWEST = 5, MOST = 200;
export const PICTURE = /\.(jpe?g|png|webp|bmp|tiff?|gif|avif|jp2|j2k|p[bgnp]m)$/i;

/** "judge", "learn", or nothing where the person wants neither. @param {Desk} desk @param {File[]} files @returns {Promise<string>} */
export function whichWay(desk, files) {
  if (!files.length) return Promise.resolve("");
  if (files.length < FEWEST || files.length > MOST) return Promise.resolve("judge");
  const box = /** @type {HTMLDialogElement} */ (desk.$(".asking"));
  if (box.open) return Promise.resolve("");
  desk.put(".asking-head", plural(files.length, "photograph"));
  desk.put(".ask-judge", `Judge them${modelName()}`);
  return new Promise((done) => {
    const end = (/** @type {string} */ way) => { box.close(way); };
    desk.$(".ask-judge").onclick = () => end("judge");
    desk.$(".ask-learn").onclick = () => { desk.trigger("keep", { keeps: desk.input(".ask-keep").checked }); end("learn"); };
    box.returnValue = "";
    box.onclose = () => done(["judge", "learn"].includes(box.returnValue) ? box.returnValue : "");
    box.showModal();
  });
}

function modelName() {
  const chosen = /** @type {HTMLInputElement | null} */ (document.querySelector("#model input"));
  return chosen?.value ? ` with ${chosen.value}` : "";
}
