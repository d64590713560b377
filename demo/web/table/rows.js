// What a row is: its verdict at a threshold, which rows are shown, in which order.

/**
 * @typedef {{ id: string, name: string, twin?: number, state: "waiting" | "scored" | "failed", score: number | null,
 *   threshold: number, area: number, pixels: number, regions: number | null, decision: string, edited: boolean,
 *   withheld: "" | "strange" | "unpromised", kind: string | null, truth: boolean, other: boolean, note: string, error: string }} Row
 *   one image, as the server tells it; `withheld` says why its score makes no verdict
 * @typedef {"bad" | "good" | "strange" | "none" | "waiting" | "error"} Verdict
 * @typedef {{ filter: string, query: string, order: { key: string, down: boolean } }} Choice what is shown
 */

const NEAR = 0.1;

/** The threshold of the set is tried on images that no one has decided on or drawn in. @param {Row} row @param {number | null} chosen */
export const cutOf = (row, chosen) =>
  chosen !== null && !row.edited && row.decision === "undecided" ? chosen : row.threshold;

/** What the model says, whatever a person does. @param {Row} row @param {number | null} chosen @returns {Verdict} */
export function verdictOf(row, chosen) {
  if (row.state === "failed") return "error";
  if (row.state === "waiting") return "waiting";
  if (row.withheld) return row.withheld === "strange" ? "strange" : "none";
  return (row.score ?? 0) > Math.fround(cutOf(row, chosen)) ? "bad" : "good";
}

/** Within a tenth of the way from no score to the threshold: a small change would turn the verdict. @param {Row} row @param {number | null} chosen */
function isNear(row, chosen) {
  const cut = cutOf(row, chosen);
  return row.state === "scored" && row.score !== null && !row.withheld && Math.abs(row.score - cut) <= NEAR * Math.abs(cut);
}

/** Whether a person says another thing than the model. @param {Row} row @param {number | null} chosen */
function disagree(row, chosen) {
  const verdict = verdictOf(row, chosen);
  return (row.decision === "good" && verdict === "bad") || (row.decision === "defective" && verdict === "good");
}

/** @type {Record<Verdict, [string, string]>} */
export const VERDICTS = {
  bad: ["✕", "defective"], good: ["✓", "good"], strange: ["≠", "not its part"], none: ["○", "no verdict"],
  waiting: ["…", "waiting"], error: ["!", "error"],
};


/** @type {Record<string, [string, (row: Row, chosen: number | null) => boolean]>} */
export const FILTERS = {
  all: ["All", () => true],
  bad: ["Looks defective", (row, chosen) => verdictOf(row, chosen) === "bad"],
  good: ["Looks good", (row, chosen) => verdictOf(row, chosen) === "good"],
  strange: ["Not this model's part", (row, chosen) => verdictOf(row, chosen) === "strange"],
  undecided: ["Undecided", (row) => row.state === "scored" && row.decision === "undecided"],
  near: ["Near the threshold", isNear],
  disagree: ["You disagree", (row, chosen) => disagree(row, chosen)],
  error: ["Errors", (row) => row.state === "failed"],
};

/** Key, heading, what it is sorted by, "" for nothing. @type {[string, string, (row: Row, chosen: number | null) => string | number][]} */
export const COLUMNS = [
  ["name", "Image", (row) => row.name.toLowerCase()],
  ["score", "Score", (row) => row.score ?? ""],
  ["verdict", "Verdict", (row, chosen) => ["error", "waiting", "good", "none", "bad", "strange"].indexOf(verdictOf(row, chosen))],
  ["area", "Marked", (row) => (row.state === "scored" ? row.area / row.pixels : "")],
  ["regions", "Regions", (row) => row.regions ?? ""],
  ["decision", "Decision", (row) => row.decision],
  ["note", "Note", (row) => row.error || row.note || ""],
];

/** @param {Row[]} rows @param {string} filter @param {number | null} chosen */
export const countOf = (rows, filter, chosen) => rows.filter((row) => FILTERS[filter][1](row, chosen)).length;

/** What is known of an image: by its folder, by a true mask. @param {Row} row */
export function truthOf({ kind, truth }) {
  if (!kind) return truth ? "has a true mask" : "";
  return truth || kind === "good" ? `truth: ${kind}` : `truth: ${kind}, no mask`;
}

/** @param {Row[]} rows */
export const waitingIn = (rows) => rows.filter((row) => row.state === "waiting").length;

/** The rows that are shown, in their order. @param {Row[]} rows @param {Choice} choice @param {number | null} chosen */
export function visible(rows, { filter, query, order }, chosen) {
  const matches = rows.filter((row) => FILTERS[filter][1](row, chosen) && row.name.toLowerCase().includes(query));
  const value = COLUMNS.find(([key]) => key === order.key)?.[2] ?? (() => ""), sign = order.down ? -1 : 1;
  return matches
    .map((row) => ({ row, by: value(row, chosen) }))
    .sort(({ by: a }, { by: b }) => {
      if (a === "" || b === "") return Number(a === "") - Number(b === "");  // what has no value comes last
      return a < b ? -sign : a > b ? sign : 0;
    })
    .map(({ row }) => row);
}

/** A click on a heading: the other way round, or by this column, numbers from the highest. @param {Choice["order"]} order @param {string} key */
export const reordered = (order, key) => ({ key, down: order.key === key ? !order.down : ["score", "area", "regions"].includes(key) });
