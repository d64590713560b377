// The page in another language: English is what the code says and what a catalogue is asked for.

/**
 * @typedef {Record<string, string>} Catalogue English to the other language; `{}` stands for what
 *   changes and is translated by itself, `{#}` for a number, `{1}` for the first of either
 * @typedef {{ pattern: RegExp, said: string }} Sentence
 */

const KEPT = 4000;
/** One for the whole page. @type {{ exact: Map<string, string>, sentences: Sentence[], known: Map<string, string>, missing: Set<string> | null }} */
const words = { exact: new Map(), sentences: [], known: new Map(), missing: null };
const OPEN = /\{#?\}/, NUMBER = "(-?\\d[\\d.,\u202f]*?)";
const SENTENCE_END = /(?<=[.?!]) (?=[\p{Lu}\d])/u;
const WORDY = /\p{L}{2}/u, DECIMAL = /^-?\d+\.\d+$/;

/** @param {Catalogue} catalogue */
export function learn(catalogue) {
  const all = Object.entries(catalogue), open = all.filter(([english]) => OPEN.test(english));
  words.exact = new Map(all.filter(([english]) => !OPEN.test(english)));
  words.sentences = open.sort(([a], [b]) => b.length - a.length).map(([english, said]) => ({ pattern: patternOf(english), said }));
  words.known = new Map();
  words.missing = new Set();
}

/** @param {string} english */
function patternOf(english) {
  const parts = english.split(/(\{#?\})/).map((part) => (part === "{}" ? "(.+?)" : part === "{#}" ? NUMBER : part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")));
  return new RegExp(`^${parts.join("")}$`, "s");
}

/** What no catalogue had a word for, for tests. */
export const missing = () => [...words.missing ?? []];

/** The text as the visitor reads it; as it is where there is no catalogue, or no word for it. @param {string} text */
export function translated(text) {
  if (!words.missing || !WORDY.test(text)) return text;
  const kept = words.known.get(text);
  if (kept !== undefined) return kept;
  const inside = text.trim().replace(/\s*\n\s*/g, " "), found = look(inside);
  if (words.missing.size > KEPT) words.missing.clear();
  if (found === null && !said(inside)) words.missing.add(inside);
  const all = found === null ? text : text.replace(text.trim(), () => found);
  if (words.known.size > KEPT) words.known.clear();
  words.known.set(text, all);
  if (found !== null) words.known.set(all, all);  // what is said already is not translated again
  return all;
}

/** @param {string} text */
const said = (text) => words.known.get(text) === text;

/** @param {string} text @returns {string | null} */
function look(text) {
  const exact = words.exact.get(text);
  if (exact !== undefined) return exact;
  const whole = parted(text, " · ") ?? parted(text, SENTENCE_END, " ");
  if (whole !== null) return whole;
  for (const { pattern, said: sentence } of words.sentences) {
    const found = pattern.exec(text);
    if (found) return filled(sentence, found.slice(1).map((part) => look(part) ?? local(part)));
  }
  return parted(text, "; ");
}

/** Each part by itself, null where there is one alone or none of them is known. @param {string} text @param {string | RegExp} at @param {string} [join] */
function parted(text, at, join = String(at)) {
  const parts = text.split(at);
  if (parts.length < 2) return null;
  const found = parts.map(look);
  return found.some((part) => part !== null) ? found.map((part, k) => part ?? parts[k]).join(join) : null;
}

/** @param {string} sentence @param {string[]} parts */
function filled(sentence, parts) {
  let next = 0;
  return sentence.replace(/\{(\d|#?)\}/g, (_, place) => parts[/\d/.test(place) ? Number(place) - 1 : next++] ?? "");
}

/** A number that came in a sentence, with the decimal sign of the browser. @param {string} text */
export const local = (text) => (DECIMAL.test(text)
  ? new Intl.NumberFormat(undefined, { minimumFractionDigits: text.split(".")[1].length, useGrouping: false }).format(Number(text)) : text);
