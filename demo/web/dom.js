// Nodes. Names and labels reach the page as text only, never as markup.
import { translated } from "./language/words.js";

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag @param {string} [className] @param {string} [text]
 */
export function make(tag, className = "", text = "") {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== "") node.textContent = text;
  return node;
}

/** @param {string} className @param {string} text */
export function makeButton(className, text = "") {
  const button = make("button", className, text);
  button.type = "button";
  return button;
}

/** @param {string} tag @param {Record<string, string | number>} attributes */
export function shape(tag, attributes) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, String(value));
  return node;
}

/**
 * What finds the parts of one component's template; each of them is there.
 * @param {HTMLElement} element
 */
export function within(element) {
  /** @type {(selector: string) => HTMLElement} */
  const $ = (selector) => /** @type {HTMLElement} */ (element.querySelector(selector));
  return {
    $,
    /** @type {(selector: string) => HTMLInputElement} */
    input: (selector) => /** @type {HTMLInputElement} */ ($(selector)),
    /** @type {(selector: string) => HTMLButtonElement[]} */
    buttons: (selector) => [.../** @type {NodeListOf<HTMLButtonElement>} */ (element.querySelectorAll(selector))],
    /**
     * A screen reader announces what is touched, so the same text is left alone.
     * @param {string} selector @param {string} text
     */
    put(selector, text) {
      const node = $(selector), said = node.translate ? translated(text) : text;
      if (node.textContent !== said) node.textContent = said;
    },
  };
}
