// The page in another language: English is what the code says and what a catalogue is asked for.

/**
 * @typedef {Record<string, string>} Catalogue English to the other language; `{}` stands for what
 *   changes, and is translated by itself; `{1}` and `{2}` for the first and second of them
 * @typedef {{ pattern: RegExp, said: string }} Sentence
 */

const KEPT = 4000;
/** One for the whole page. @type {{ exact: Map<string, string>, sentences: Sentence[], known: Map<string, string>, missing: Set<string> | null }} */
const words = { exact: new Map(), sentences: [], known: new Map(), missing: null };
const WORDY = /\p{L}{2}/u, DECIMAL = /^-?\d+\.\d+$/;

/** @param {Catalogue} catalogue */
export function learn(catalogue) {
  const all = Object.entries(catalogue), open = all.filter(([english]) => english.includes("{}"));
  words.exact = new Map(all.filter(([english]) => !english.includes("{}")));
  words.sentences = open.sort(([a], [b]) => b.length - a.length).map(([english, said]) => ({
    pattern: new RegExp(`^${english.split("{}").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("(.+?)")}$`, "s"), said,
  }));
  words.known = new Map();
  words.missing = new Set();
}

/** What no catalogue had a word for, for tests. */
export const missing = () => [...words.missing ?? []];

/** The text as the visitor reads it; as it is where there is no catalogue, or no word for it. @param {string} text */
export function translated(text) {
  if (!words.missing || !WORDY.test(text)) return text;
  const kept = words.known.get(text);
  if (kept !== undefined) return kept;
  const inside = text.trim(), found = look(inside);
  if (found === null && !said(inside)) words.missing.add(inside);
  const all = found === null ? text : text.replace(inside, () => found);
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
  for (const { pattern, said: sentence } of words.sentences) {
    const found = pattern.exec(text);
    if (found) return filled(sentence, found.slice(1).map((part) => look(part) ?? local(part)));
  }
  return null;
}

/** @param {string} sentence @param {string[]} parts */
function filled(sentence, parts) {
  let next = 0;
  return sentence.replace(/\{(\d?)\}/g, (_, place) => parts[place ? Number(place) - 1 : next++] ?? "");
}

/** A number that came in a sentence, with the decimal sign of the browser. @param {string} text */
export const local = (text) => (DECIMAL.test(text)
  ? new Intl.NumberFormat(undefined, { minimumFractionDigits: text.split(".")[1].length, useGrouping: false }).format(Number(text)) : text);
