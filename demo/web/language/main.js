// Which language the page speaks: the browser's where there is a catalogue, or the one that is chosen.
import { make } from "../dom.js";
import { keep, kept } from "../kept.js";
import { learn, missing, translated } from "./words.js";

/** Languages by their code, as they call themselves; all but the first have a catalogue. @type {Record<string, string>} */
const LANGUAGES = { en: "English", de: "Deutsch" };
const WRITTEN_FROM_RIGHT = ["ar", "fa", "he", "ur"];
const CHOSEN = "ddad-language", SPOKEN = ["title", "aria-label", "placeholder", "alt", "aria-valuetext", "data-label"];
/** What is the visitor's own, or a document by itself. */
const LEFT = "[translate=no], #about .prose, code, pre, script, style, textarea";

/**
 * Brings the choice of a language to life.
 * @param {{ element: HTMLElement }} component of gr.HTML
 */
export function start({ element }) {
  const language = wanted(), select = make("select", "language");
  select.setAttribute("aria-label", "Language"); select.setAttribute("translate", "no");
  select.append(...Object.entries(LANGUAGES).map(([code, name]) => Object.assign(make("option", "", name), { value: code, lang: code })));
  select.value = language;
  select.addEventListener("change", () => choose(select.value));
  element.replaceChildren(select);
  document.documentElement.lang = language;
  turn(WRITTEN_FROM_RIGHT.includes(language) ? "rtl" : "ltr");
  if (language !== Object.keys(LANGUAGES)[0]) speak(language);
  return () => {};
}

/** Gradio says "ltr" of each of its blocks, so ours are told by a variable. @param {string} direction */
function turn(direction) {
  document.documentElement.dir = direction;
  document.documentElement.style.setProperty("--ddad-direction", direction);
}

function wanted() {
  const asked = [new URLSearchParams(location.search).get("lang"), kept(CHOSEN), ...navigator.languages];
  return asked.map((each) => each?.slice(0, 2).toLowerCase() ?? "").find((each) => LANGUAGES[each]) ?? "en";
}

/** Everything is kept on the server, so the page can simply begin anew. @param {string} language */
function choose(language) {
  keep(CHOSEN, language);
  const address = new URL(location.href);
  address.searchParams.delete("lang");
  if (kept(CHOSEN) !== language) address.searchParams.set("lang", language);
  location.assign(address);
}

/** @param {string} language */
async function speak(language) {
  const { catalogue } = await import(new URL(`language/${language}.js`, import.meta.url).href);
  learn(catalogue);
  const observer = new MutationObserver((changes) => {
    for (const { type, target, addedNodes } of changes) {
      if (type === "childList") addedNodes.forEach(translate); else translate(target);
    }
    observer.takeRecords();  // of what this has just changed
  });
  translate(document.body);
  observer.observe(document.body, { subtree: true, childList: true, characterData: true, attributes: true, attributeFilter: SPOKEN });
  Object.assign(window, { ddadMissing: missing });
}

/** @param {Node} node */
function translate(node) {
  const element = node instanceof Element ? node : node.parentElement;
  if (!element || element.closest(LEFT)) return;
  if (node instanceof Text) return say(node);
  const walker = document.createTreeWalker(node, NodeFilter.SHOW_TEXT | NodeFilter.SHOW_ELEMENT, (each) =>
    (each instanceof Element && each.matches(LEFT) ? NodeFilter.FILTER_REJECT : NodeFilter.FILTER_ACCEPT));
  for (let each = /** @type {Node | null} */ (walker.currentNode); each; each = walker.nextNode())
    if (each instanceof Text) say(each); else if (each instanceof Element) sayAttributes(each);
}

/** @param {Text} node */
function say(node) {
  const text = translated(node.data);
  if (text !== node.data) node.data = text;
}

/** @param {Element} element */
function sayAttributes(element) {
  for (const name of SPOKEN) {
    const value = element.getAttribute(name), text = value && translated(value);
    if (text && text !== value) element.setAttribute(name, text);
  }
}
