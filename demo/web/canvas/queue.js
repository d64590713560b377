// The session's images in a row, and what is asked of the server.
import { make, makeButton } from "../dom.js";
import { called, decimal, plural } from "../text.js";
import { ORDERS } from "./order.js";
import { DECISIONS, SIGNS } from "./words.js";

/**
 * @typedef {import("./desk.js").Desk} Desk
 * @typedef {import("./order.js").Entry} Entry
 */

const PORTION = 60;

/**
 * The server's answer, or a sentence where there is none: a call that fails gives undefined.
 * @param {Desk} desk @param {string} name @param {object} request
 */
export async function ask(desk, name, request) {
  const answer = await desk.server[name]({ session: desk.session, ...request });
  return answer ?? { error: "The server does not answer. Check the connection and try again.", lost: true };
}

/** Adds an image to the queue, or brings its entry up to date. @param {Desk} desk @param {Entry | undefined} entry */
export function enter(desk, entry) {
  if (!entry) return;
  const old = desk.queue.find((each) => each.item === entry.item);
  if (old) Object.assign(old, entry); else desk.queue.push(entry);
  list(desk);
}

/** @param {Desk} desk */
export function list(desk) {
  const { queue, $ } = desk, seat = $(".queue-list");
  queue.sort(ORDERS[desk.options.order] ?? ORDERS.score);
  desk.put(".queue-count", !queue.length ? "No images yet" : `${queue.length} image${queue.length === 1 ? "" : "s"}, ` +
    `${queue.filter(({ decision }) => decision === "defective" || decision === "good").length} decided`);
  offer(desk);
  const old = new Map(places(desk).map((node) => [node.dataset.item, node]));
  const nodes = queue.map((entry) => old.get(entry.item) ?? queueButton(desk, entry));
  seat.replaceChildren(...nodes);
  queue.forEach((entry, k) => {
    bringUp(nodes[k], entry);
    if (entry.item !== desk.now?.item) return nodes[k].removeAttribute("aria-current");
    nodes[k].setAttribute("aria-current", "true");
    seat.scrollLeft = nodes[k].offsetLeft - seat.clientWidth / 2 + nodes[k].clientWidth / 2;
  });
  fetchThumbs(desk);
}

/** The others may have been judged by another model than the image on the desk. @param {Desk} desk */
function offer(desk) {
  const { now, queue, judging, $ } = desk;
  const others = now?.judge ? queue.filter((entry) => entry.judge && entry.judge !== now.judge).length : 0;
  $(".offer").hidden = !others && !judging;
  desk.put(".offer-text", judging ? `Judging ${judging[0] + 1} of ${judging[1]} …` : `${plural(others, "image")} ${others === 1 ? "was" : "were"} judged by another model.`);
  $(".rejudge").hidden = !!judging;
  desk.put(".rejudge", `Judge ${others === 1 ? "it" : "them"} with ${now?.model ?? ""} too`);
}

/** @param {Desk} desk */
const places = (desk) => /** @type {HTMLElement[]} */ ([...desk.$(".queue-list").children]);

/** What the model says stands by the score, what a person says below it. @param {HTMLElement} node @param {Entry} entry */
function bringUp(node, entry) {
  const { score, decision, verdict, edited } = entry;
  const [sign, text] = DECISIONS[decision], [, said, judged, chip] = /** @type {HTMLElement[]} */ ([...node.children]);
  judged.textContent = `${SIGNS[verdict ?? ""] ?? ""} ${decimal(score, 2)}${edited ? " ✎" : ""}`;
  judged.dataset.verdict = verdict ?? "";
  chip.textContent = `${sign} ${text}`;
  chip.dataset.decision = decision;
  node.title = called(entry);
  said.textContent = `${called(entry)}, ${edited ? "mask edited, " : ""}model: ${verdict ?? "unknown"}, score and decision: `;
}

/** @param {Desk} desk @param {Entry} entry */
function queueButton(desk, entry) {
  const button = makeButton("queued"), picture = make("img"), small = desk.thumbs.get(entry.item);
  button.dataset.item = entry.item;
  picture.alt = "";
  if (small) picture.src = small;
  button.append(picture, make("span", "unseen"), make("span", "queue-score"), make("span", "chip"));
  return button;
}

/** Small pictures come in portions, those of the loudest images first. @param {Desk} desk */
async function fetchThumbs(desk) {
  if (desk.fetching) return;
  desk.fetching = true;
  for (;;) {
    const items = desk.queue.map((entry) => entry.item).filter((item) => !desk.thumbs.has(item)).slice(0, PORTION);
    if (!items.length) break;
    const answer = await ask(desk, "thumbs", { items });
    if (answer.error) break;
    for (const [item, url] of Object.entries(answer.thumbs)) {
      desk.thumbs.set(item, url);
      const picture = places(desk).find((node) => node.dataset.item === item)?.querySelector("img");
      if (picture) picture.src = url;
    }
  }
  desk.fetching = false;
}
