// Putting an image on the desk.
import { called } from "../text.js";
import { refresh, repropose } from "./analysis.js";
import { showClasses } from "./classes.js";
import { prepare } from "./draft.js";
import { endStroke } from "./edit.js";
import { decodeMap, fuse, peakOf } from "./maps.js";
import { rowsOf } from "./mask.js";
import { showLive } from "./camera.js";
import { showLearning } from "./learning.js";
import { hideLike, showLike } from "./like.js";
import { loaded, offerNormal, reach } from "./normal.js";
import { ask, enter, list } from "./queue.js";
import { offerWords, table } from "./rows.js";
import { decodeRuns } from "./runs.js";
import { complain, flush, isSaving, saved, setAside, showConflict, tell } from "./saving.js";
import { strip } from "./strip.js";
import { offerExamples } from "./sources.js";
import { chips, controls, permalink, steps } from "./verdict.js";
import { fitStage } from "./view.js";

/**
 * @typedef {import("./desk.js").Desk} Desk
 * @typedef {import("./desk.js").Inspected} Inspected
 */

/** A message of the server's, the component's value. @param {Desk} desk @param {any} message */
export async function receive(desk, message) {
  if (!message) return clear(desk);
  if (message.session) { desk.session = message.session; greet(desk); }
  if (message.words) { desk.words = message.words; offerWords(desk); }
  if (message.examples) offerExamples(desk, message.examples);
  if (message.formats) desk.put(".formats", message.formats);
  if (message.normal) reach(desk, message.normal);
  if (message.like) showLike(desk, message.like);
  if (message.idle || message.clear) desk.$(".viewer").removeAttribute("aria-busy");
  if (message.judging !== undefined) desk.judging = message.judging;
  if (message.rest) desk.trigger("rest");
  if (message.learning !== undefined) showLearning(desk, message.learning);
  if (message.live) showLive(desk, message.live);
  if (message.more) desk.trigger("rejudge", { model: message.more });
  if (message.classes) showClasses(desk, message.classes);
  if (message.queue) { desk.queue = message.queue; list(desk); }
  try {
    if (message.clear) clear(desk);
    if (message.desk) await show(desk, message.desk);
    else if (message.open) await open(desk, message.open);
    else if (message.queue && desk.now?.item && !isSaving(desk)) await follow(desk, desk.now);
  } catch (error) { complain(desk, /** @type {Error} */ (error).message); }
}

/** Until the visit has its session a click would begin another: page.css lets none through. @param {Desk} desk */
function greet({ element }) {
  const tabs = /** @type {HTMLElement | null} */ (element.closest("#tabs"));
  if (tabs) tabs.dataset.ready = "";
}

/** @param {Desk} desk */
function clear(desk) {
  if (desk.now) endStroke(desk);
  setAside(desk);
  desk.now = null;
  desk.$(".viewer").dataset.state = "empty";
}

/** Another tab may have changed what is on the desk. @param {Desk} desk @param {Inspected} now */
async function follow(desk, { item, decision }) {
  if (!item) return;
  const entry = desk.queue.find((each) => each.item === item);
  if (!entry) { clear(desk); desk.trigger("current", { item: null }); }
  else if (entry.decision !== decision || (entry.revision ?? 0) > (desk.bases.get(item) ?? Infinity)) await open(desk, item);
}

/** Opens an item of the session. @param {Desk} desk @param {string | null | undefined} item */
export async function open(desk, item) {
  if (!item) return;
  if (desk.now) endStroke(desk);
  await saved(desk);
  const mine = ++desk.serial, viewer = desk.$(".viewer");
  viewer.setAttribute("aria-busy", "true");
  const answer = await ask(desk, "open", { item });
  viewer.removeAttribute("aria-busy");
  if (mine !== desk.serial || (item === desk.now?.item && isSaving(desk))) return;  // what is done here is newer
  if (answer.error) complain(desk, answer.error); else await show(desk, answer);
}

/** Messages about one image may come faster than its picture loads: they all wait for the same one. @param {Desk} desk @param {string} url */
function loadImage(desk, url) {
  if (url !== desk.loading.url || !desk.loading.image)
    desk.loading = { url, image: loaded(url) };
  return /** @type {Promise<HTMLImageElement>} */ (desk.loading.image);
}

/** Puts an image on the desk: whole, or with the maps there are so far. @param {Desk} desk @param {any} value */
async function show(desk, value) {
  // Gradio delivers the last answer of a scoring twice: the second must not undo a hand that was faster.
  if (value.answer && value.answer === desk.now?.answer) return;
  const mine = ++desk.serial, same = desk.now && value.token === desk.now.token ? desk.now : null;
  const picture = value.image ? await loadImage(desk, value.image) : same?.picture;
  if (mine !== desk.serial) return;
  if (!picture) return open(desk, value.item);  // its first message was overtaken by a later one
  if (desk.now) endStroke(desk);
  desk.gesture = null;
  setAside(desk);
  const now = desk.now = inspected(value, picture);
  if (same) Object.assign(now, { normal: same.normal, restorable: same.restorable, keeps: same.keeps, step: same.step });
  desk.$(".viewer").dataset.state = "full";
  desk.$(".viewer").removeAttribute("aria-busy");
  desk.$(".viewer").toggleAttribute("data-heat", desk.options.heat);
  desk.put(".judge .name", called(now));
  desk.put(".judge .by", `judged by ${now.model}`);
  desk.put(".caption", "");
  if (!same) { desk.view.fitted = true; hideLike(desk); }
  fitStage(desk);
  if (desk.awaited && matchMedia("(max-width: 900px)").matches) desk.stage.scrollIntoView({ block: "start" });
  desk.awaited = false;
  controls(desk);
  strip(desk);
  repropose(desk);
  refresh(desk);
  table(desk);
  chips(desk); steps(desk); permalink(desk); offerNormal(desk); prepare(desk);
  if (desk.pending.size) flush(desk);
  else tell(desk, value.item ? (value.review ? "As you left it" : "Every change is saved at once") : "");
  complain(desk);
  showConflict(desk);
  desk.put(".note", value.note ?? "");
  if (now.item && !desk.pending.has(now.item)) desk.bases.set(now.item, value.entry.revision);
  if (now.item) { enter(desk, value.entry); list(desk); desk.trigger("current", { item: now.item }); }
}

/** What the server says of an image, with the person's work on it. @param {any} value @param {HTMLImageElement} picture @returns {Inspected} */
function inspected(value, picture) {
  const [width, height] = value.shown, review = value.review ?? {}, layer = () => new Uint8Array(width * height);
  const scales = value.scales.map((/** @type {any} */ scale) => ({ ...scale, map: decodeMap(scale.map) }));
  const on = scales.map((/** @type {{ name: string }} */ { name }) => !(review.off ?? []).includes(name));
  const paint = layer(), zone = layer(), map = fuse(scales, on, width, height);
  if (review.added) decodeRuns(review.added, paint, 1);
  if (review.removed) decodeRuns(review.removed, paint, 2);
  if (review.zone) decodeRuns(review.zone, zone, 1);
  return {
    ...value, width, height, picture, scales, on, map, ...peakOf(map, zone, value.composition), shrink: width / value.original[0],
    calibrated: value.threshold, threshold: value.at ?? review.threshold ?? value.threshold,
    least: review.least ?? 1, fill: review.fill ?? false, decision: value.decision ?? "undecided", labels: review.labels ?? [], locked: review.locked ?? false,
    paint, zone, proposal: layer(), mask: layer(),
    painted: review.added || review.removed ? rowsOf(paint, width) : null, zoned: review.zone ? rowsOf(zone, width) : null,
    undo: [], redo: [], selected: -1, look: null, area: 0, stale: false, found: null,
  };
}
