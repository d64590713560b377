// The project's kinds of defects: a number, a colour and a name each; a key gives one to a region.
import { make, makeButton } from "../dom.js";
import { refresh } from "./analysis.js";
import { shown } from "./desk.js";
import { set } from "./edit.js";
import { schedule } from "./frame.js";
import { labelOf, relabelled } from "./labels.js";
import { ask } from "./queue.js";
import { offerWords, table } from "./rows.js";
import { complain, save } from "./saving.js";

/**
 * @typedef {import("./desk.js").Desk} Desk
 * @typedef {import("./labels.js").Labelled} Labelled
 */

/** Told apart also by people who see no red or no green (Okabe and Ito, Tol). */
const COLOURS = ["#e69f00", "#56b4e9", "#009e73", "#f0e442", "#cc79a7", "#d55e00", "#0072b2", "#aa4499", "#bbbbbb"];

/** @param {Desk} desk @param {string} name */
export function colourOf({ classes }, name) {
  const at = classes.indexOf(name);
  return at < 0 ? "#ffffff" : COLOURS[at % COLOURS.length];
}

/** @param {Desk} desk @param {string[]} classes */
export function showClasses(desk, classes) {
  desk.classes = classes;
  desk.$(".class-list").replaceChildren(...classes.map((name, k) => {
    const chip = make("span", "class-chip"), use = makeButton("use-class"), gone = makeButton("drop-class", "×"), dot = make("i");
    chip.style.setProperty("--colour", colourOf(desk, name));
    use.dataset.name = gone.dataset.name = name;
    const called = make("span", "", name);
    called.setAttribute("translate", "no");
    use.append(dot, called, k < 9 ? make("kbd", "", String(k + 1)) : "");
    use.title = `Call the chosen region ${name}${k < 9 ? ` (${k + 1})` : ""}`;
    gone.setAttribute("aria-label", `Take the class ${name} off the list`);
    chip.append(use, gone);
    return chip;
  }));
  if (desk.now) schedule(desk, "cursor");
}

/** Keeps another list. @param {Desk} desk @param {string[]} names */
export async function keepClasses(desk, names) {
  const answer = await ask(desk, "classes", { names });
  if (answer.error) complain(desk, answer.error); else showClasses(desk, answer.classes);
}

/** @param {Desk} desk @param {import("./regions.js").Region} region @param {string} label */
export function setLabel(desk, region, label) {
  const now = shown(desk);
  set(desk, { labels: relabelled(/** @type {Labelled} */ (now), region, label) });
  if (label && !desk.words.includes(label)) { desk.words.push(label); offerWords(desk); }
  save(desk);
}

/** Gives a class to the chosen region, or to the only one; the same again takes it away. @param {Desk} desk @param {string | undefined} name */
export function classify(desk, name) {
  if (!name) return;
  const { regions } = refresh(desk), now = shown(desk), region = regions[now.selected] ?? (regions.length === 1 ? regions[0] : undefined);
  if (!region) return complain(desk, regions.length ? "Choose a region first: click it, or its row in the table." : "Nothing is marked here.");
  complain(desk);
  setLabel(desk, region, labelOf(/** @type {Labelled} */ (now), region) === name ? "" : name);
  const { selected } = now;
  table(desk);
  now.selected = selected;
  schedule(desk, "cursor");
}

/** @param {Desk} desk */
export function listenToClasses(desk) {
  const add = desk.input(".add-class");
  desk.$(".class-list").addEventListener("click", (event) => {
    const button = /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest("button")), name = button?.dataset.name;
    if (button?.matches(".use-class")) { if (desk.now) classify(desk, name); }
    else if (button) keepClasses(desk, desk.classes.filter((each) => each !== name));
  });
  add.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !add.value.trim()) return;
    event.preventDefault();
    keepClasses(desk, [...desk.classes, add.value.trim()]);
    add.value = "";
  });
}
