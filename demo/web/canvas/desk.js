// One canvas's state. It is made once, in main.js, and passed to whoever acts on it.
import { within } from "../dom.js";
import { keep, kept } from "../kept.js";

/**
 * @typedef {import("./maps.js").Scale} Scale
 * @typedef {import("./geometry.js").Rect} Rect
 * @typedef {import("./regions.js").Found} Found
 * @typedef {import("./history.js").Entry} Entry
 * @typedef {import("./labels.js").Label} Label
 * @typedef {import("./order.js").Entry} Queued
 *
 * @typedef {object} Inspected the image on the desk: what the server said of it, and what has become of it
 * @property {string} token @property {string} [answer] @property {string | null} item @property {string} name @property {number} [twin] @property {string} model
 * @property {string} [judge] fingerprint of the model
 * @property {boolean} [partial] @property {number} of @property {string} [example] @property {number} seed
 * @property {[number, number]} original width and height of the file
 * @property {number} width @property {number} height as shown @property {number} shrink shown / original
 * @property {HTMLImageElement} picture @property {ImageBitmap} [bitmap] of it, once its pixels are asked for
 * @property {Scale[]} scales @property {boolean[]} on which of them count
 * @property {number} low @property {number} high @property {number[]} normals @property {string[][]} promised @property {number} parts of calibration, 0 where not counted
 * @property {"" | "strange" | "unpromised"} [withheld] why the score makes no verdict
 * @property {number | null} [composition] what the amounts of things are worth, in the unit of the score
 * @property {[string, number[]][]} [findings] what there is less or more of, and the numbers of its places
 * @property {number} calibrated @property {number} threshold @property {number} least @property {boolean} fill
 * @property {string} decision @property {boolean} locked @property {Label[]} labels
 * @property {Uint8Array} paint @property {Uint8Array} zone @property {Uint8Array} proposal @property {Uint8Array} mask
 * @property {Rect | null} painted rows that are @property {Rect | null} zoned rows that are
 * @property {Float32Array} map @property {number} score @property {number} peak of the map outside the zone @property {number} peakAt
 * @property {number | null} look the map that is seen on the image: a scale's, -1 for the mean, null for none
 * @property {HTMLImageElement | null} [normal] as a good part @property {boolean} [restorable] whether the model can draw that
 * @property {boolean} [keeps] whether the model has photographs of good parts to show a place on
 * @property {[number, number] | null} [step] of how many, while it is drawn
 * @property {Entry[]} undo @property {Entry[]} redo
 * @property {number} area of the mask @property {boolean} stale whether map or threshold is ahead of the mask
 * @property {Found | null} found regions of the mask, null until they are looked for
 * @property {Found} removed regions that were cleared @property {number} selected
 * @property {import("./geometry.js").Box | null} [box] that is being drawn
 *
 * @typedef {{ kind: "pan", at: { x: number, y: number }, moved: boolean, click: boolean }} Panning
 * @typedef {{ kind: "stroke" | "box", value: number, change: import("./history.js").Change, from: { x: number, y: number } }} Stroke
 * @typedef {{ kind: "line" }} Line
 * @typedef {{ kind: "outline", opposite: boolean, moved: boolean, at: { x: number, y: number } }} Outlining
 * @typedef {import("./draft.js").Growing} Growing
 * @typedef {{ kind: "pinch", last: { x: number, y: number, span: number } }} Pinch
 * @typedef {ReturnType<typeof createDesk>} Desk
 */

const PREFERENCES = "ddad-desk-2";

/**
 * @param {HTMLElement} element @param {(event: string, data?: object) => void} trigger
 * @param {Record<string, (request: object) => Promise<any>>} server
 */
export function createDesk(element, trigger, server) {
  const parts = within(element);
  const layer = (/** @type {string} */ name) => /** @type {HTMLCanvasElement} */ (parts.$(name));
  return {
    element, trigger, server, ...parts,
    stage: parts.$(".stage"), photo: layer(".photo"), overlay: layer(".overlay"), cursor: layer(".cursor"),
    /** The image on the desk. @type {Inspected | null} */
    now: null,
    options: { opacity: 70, heat: false, outline: true, size: 12, reviewer: "", goOn: false, format: "mask", magnet: false, order: "score" },
    /** Colours of the heat map, as `options` have them. */
    heat: new Uint32Array(256),

    /** @type {import("./geometry.js").View} */
    view: { scale: 1, x: 0, y: 0, fitted: true, ratio: 1 },
    /** What the next frame draws: given by main.js. */
    draw: () => {},
    frame: 0, stalePhoto: false,
    /** @type {Rect | "all" | null} */
    staleRect: null,
    /** Milliseconds of this frame that went into computing what is to be drawn. */
    spent: 0,
    tableTimer: /** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined),

    tool: "select", spaceHeld: false,
    /** Corners of the outline that is being drawn. @type {import("./shapes.js").Point[] | null} */
    draft: null,
    /** Pointers that are down. @type {Map<number, { x: number, y: number }>} */
    pointers: new Map(),
    /** @type {Panning | Stroke | Pinch | Line | Outlining | Growing | null} */
    gesture: null,
    /** How much of the image is shown as a good part, from the left. */
    split: 0.5,
    /** The pixel under the pointer, as it was last said. */
    under: -1,
    /** Where the pointer hovers. @type {{ x: number, y: number, erasing: boolean } | null} */
    hover: null,

    /** @type {string | null} */
    session: null,
    /** @type {Queued[]} */
    queue: [],
    /** How many of the others are judged anew, of how many. @type {[number, number] | null} */
    judging: null,
    /** Labels used so far. @type {string[]} */
    words: [],
    /** Kinds of defects. @type {string[]} */
    classes: [],
    wordList: `labels-${Math.random().toString(36).slice(2)}`,
    /** Small pictures that have come. @type {Map<string, string>} */
    thumbs: new Map(),
    fetching: false,
    /** Counts what is put on the desk, so that what was overtaken on its way is left. */
    serial: 0,
    /** The picture on its way, or the last one. @type {{ url?: string, image?: Promise<HTMLImageElement> }} */
    loading: {},

    /** The training that goes on, and its time left as it was shown last. @type {{ name: string, left?: { seconds: number, at: number } } | null} */
    lesson: null,
    /** Whether the person asked for what comes next: then it is brought into view. */
    awaited: false,
    /** What the camera gives. @type {MediaStream | null} */
    film: null,
    filmTimer: /** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined),

    unsaved: false,
    /** Reviews to be sent, by item. @type {Map<string, object>} */
    pending: new Map(),
    /** The revision that the work on an item is based on. @type {Map<string, number>} */
    bases: new Map(),
    /** What was not saved, as another page has changed the item since. @type {Map<string, { review: object, revision: number }>} */
    conflicts: new Map(),
    /** @type {Promise<void> | null} */
    saving: null,
    saveTimer: /** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined),
  };
}

/** The image on the desk, for what is only done when there is one. @param {Desk} desk */
export function shown(desk) {
  if (!desk.now) throw new Error("there is no image on the desk");
  return desk.now;
}

/** The person's preferences, for the next visit. @param {Desk} desk */
export const remember = (desk) => keep(PREFERENCES, JSON.stringify(desk.options));

/** @param {Desk} desk */
export function recall(desk) {
  try { Object.assign(desk.options, JSON.parse(kept(PREFERENCES) ?? "{}")); } catch { /* another version's */ }
}
