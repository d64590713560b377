// The panel's tables. Names reach the page as text only.
import { make } from "../dom.js";
import { choicesOf, marksOf } from "./rows.js";

/**
 * @typedef {import("./main.js").Panel} Panel
 * @typedef {import("./rows.js").Brought} Brought
 * @typedef {import("./rows.js").Waiting} Waiting
 * @typedef {import("./rows.js").Shot} Shot
 */

const PORTION = 40;

/** What was put on which image. @param {Panel} panel @param {Brought} brought */
export function drawMatched({ $, put }, { matched, count }) {
  $(".matched").hidden = !count;
  put(".matched summary", `What was put where (${count})`);
  const rows = matched.map((texts) => {
    const row = make("tr");
    row.append(...texts.map((text) => make("td", "", text)));
    return row;
  });
  if (count > matched.length) {
    const row = make("tr");
    row.append(make("td", "", `and ${count - matched.length} more`));
    rows.push(row);
  }
  $(".matched tbody").replaceChildren(...rows);
}

/** The masks that wait, each with a choice. @param {Panel} panel @param {Brought} brought @param {() => void} changed */
export function drawWaiting(panel, { waiting, images }, changed) {
  panel.$(".asked tbody").replaceChildren(...waiting.map((mask) => line(panel, mask, images, changed)));
}

/** @param {Panel} panel @param {Waiting} mask @param {Shot[]} images @param {() => void} changed */
function line(panel, mask, images, changed) {
  const row = make("tr"), tick = make("input", "tick"), picture = make("img", "thumb"), text = make("span", "text");
  const cells = ["pick", "mask", "image", "why"].map((name) => row.appendChild(make("td", name)));
  const choice = () => panel.choices.get(mask.id) ?? { item: "", ticked: false };
  row.dataset.mask = String(mask.id);
  tick.type = "checkbox";
  tick.setAttribute("aria-label", `Use ${mask.name}`);
  tick.addEventListener("change", () => { choice().ticked = tick.checked; changed(); });
  cells[0].append(tick);
  picture.src = mask.thumb; picture.alt = "";
  text.append(make("b", "", mask.name), make("small", "", marksOf(mask)));
  cells[1].append(picture, text);
  const photograph = make("img", "thumb photograph"), select = options(mask, images);
  photograph.alt = "";
  select.value = choice().item;
  select.addEventListener("change", () => { Object.assign(choice(), { item: select.value, ticked: select.value !== "" }); changed(); });
  if (select.options.length > 1) cells[2].append(photograph, select);
  else cells[2].append(photograph, make("span", "nothing", `no image of ${mask.width} × ${mask.height} pixels is here`));
  cells[3].textContent = mask.why;
  return row;
}

/** @param {Waiting} mask @param {Shot[]} images */
function options(mask, images) {
  const select = make("select"), { likely, others } = choicesOf(mask, images);
  const option = (/** @type {string} */ value, /** @type {string} */ text) => Object.assign(make("option", "", text), { value });
  const group = (/** @type {string} */ label, /** @type {Shot[]} */ shots) => {
    const node = make("optgroup");
    node.label = label;
    node.append(...shots.map(([id, name]) => option(id, name)));
    return node;
  };
  select.setAttribute("aria-label", `Image of ${mask.name}`);
  select.append(option("", "choose an image"));
  if (likely.length) select.append(group("May be meant", likely));
  if (others.length) select.append(group("Others of its size", others));
  return select;
}

/** Small pictures of the images that are chosen. @param {Panel} panel */
export async function showImages(panel) {
  const { brought, choices, pictures, server } = panel;
  const missing = [...new Set([...choices.values()].map(({ item }) => item))].filter((item) => item && !pictures.has(item));
  place(panel);
  for (let at = 0; at < missing.length; at += PORTION) {
    const items = missing.slice(at, at + PORTION);
    for (const item of items) pictures.set(item, "");
    const answer = await server.thumbs({ session: brought?.session, items });
    for (const [item, url] of Object.entries(answer.thumbs ?? {})) pictures.set(item, url);
    place(panel);
  }
}

/** @param {Panel} panel */
function place({ $, choices, pictures }) {
  $(".asked").querySelectorAll("tbody tr").forEach((row) => {
    const choice = choices.get(Number(/** @type {HTMLElement} */ (row).dataset.mask));
    const picture = /** @type {HTMLImageElement} */ (row.querySelector(".photograph")), url = pictures.get(choice?.item ?? "");
    if (!url) picture.removeAttribute("src"); else if (picture.src !== url) picture.src = url;
  });
}
