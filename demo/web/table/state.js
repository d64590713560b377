// One table's state. It is made once, in main.js, and passed to whoever acts on it.
import { within } from "../dom.js";

/**
 * @typedef {import("./rows.js").Row} Row
 * @typedef {{ model: string, threshold: number, low: number, high: number, normals: number[], promised: string[][], parts: number }} Facts of calibration
 * @typedef {HTMLTableRowElement & { item: string, key?: string, marked?: string }} Line a row's node, and what it shows
 * @typedef {ReturnType<typeof createTable>} Table
 */

/**
 * @param {HTMLElement} element @param {(event: string, data?: object) => void} trigger
 * @param {Record<string, (request: object) => Promise<any>>} server
 */
export function createTable(element, trigger, server) {
  return {
    element, trigger, server, ...within(element),
    /** @type {Row[]} */
    rows: [],
    /** @type {Facts | null} */
    facts: null,
    /** @type {string | null} */
    session: null,
    /** What running tests found in the photographs. */
    moved: "",
    /** The threshold that is tried on the set. @type {number | null} */
    chosen: null,
    /** @type {import("./rows.js").Choice} */
    choice: { filter: "all", query: "", order: { key: "score", down: true } },
    /** Whether the images are lines of a table or cards of a grid. */
    view: "table",
    /** Ids of those that are chosen, and the one that was last. @type {Set<string>} */
    picked: new Set(),
    lastPicked: /** @type {string | null} */ (null),
    /** What the last decision of many undid. @type {{ item: string, decision: string }[]} */
    undone: [],
    axis: { low: 0, high: 1, power: 1 },
    /** @type {import("./run.js").Course} */
    course: { run: null, serial: null, stopped: false },
    frame: 0,
    /** @type {Map<string, Line>} */
    lines: new Map(),
    /** Small pictures: asked for, or there. @type {Map<string, string>} */
    pictures: new Map(),
    /** @type {Set<string>} */
    wanted: new Set(),
    asking: /** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined),
    /** Watches which lines come into view: given by main.js. */
    seen: /** @type {IntersectionObserver | null} */ (null),
  };
}
