// What the person asks for, whether by a button or by a key.
import { switchScales } from "./analysis.js";
import { remember, shown } from "./desk.js";
import { dropOutline, prepare } from "./draft.js";
import { begin, commit, editable, paintSegment, set } from "./edit.js";
import { schedule } from "./frame.js";
import { toImage } from "./geometry.js";
import { translucent } from "./heat.js";
import { neighbour, nextUndecided } from "./order.js";
import { save } from "./saving.js";
import { open } from "./show.js";
import { MEAN, strip } from "./strip.js";
import { PAINTS, SIZED } from "./strokes.js";
import { chips, permalink } from "./verdict.js";

/**
 * @typedef {import("./desk.js").Desk} Desk
 */

const LARGEST = 400;

/** @param {Desk} desk @param {string} name */
export function chooseTool(desk, name) {
  desk.tool = name;
  for (const button of desk.buttons(".tool")) button.setAttribute("aria-pressed", String(button.dataset.tool === name));
  desk.stage.dataset.tool = name;
  desk.$(".size-row").classList.toggle("idle", !SIZED.has(name));
  dropOutline(desk); prepare(desk);
  schedule(desk, "cursor");
}

/** @param {Desk} desk @param {number} size of the brush, across, in image pixels */
export function setSize(desk, size) {
  const whole = Math.min(LARGEST, Math.max(1, Math.round(size)));
  desk.options.size = whole;
  desk.input(".brush-size").value = String(whole);
  desk.$(".brush-size-out").textContent = `${whole} px`;
  remember(desk);
  schedule(desk, "cursor");
}

/** @param {Desk} desk @param {number} by how many sizes */
export const enlarge = (desk, by) => setSize(desk, desk.options.size + by * Math.max(1, desk.options.size * 0.15));

/** @param {Desk} desk @param {Partial<Desk["options"]>} change */
export function setOptions(desk, change) {
  Object.assign(desk.options, change);
  showOptions(desk);
  remember(desk);
  schedule(desk, "overlay");
}

/** @param {Desk} desk @param {"heat" | "outline" | "magnet"} name */
export const toggle = (desk, name) => setOptions(desk, { [name]: !desk.options[name] });

/** @param {Desk} desk */
export function showOptions(desk) {
  const { opacity, heat, outline, magnet, reviewer, goOn, format } = desk.options;
  for (const button of desk.buttons(".toggle"))
    button.setAttribute("aria-pressed", String({ heat, outline, magnet }[button.dataset.option ?? ""] ?? false));
  desk.input(".opacity").value = String(opacity);
  desk.$(".opacity-out").textContent = `${opacity} %`;
  desk.input(".reviewer").value = reviewer;
  desk.input(".go-on").checked = goOn;
  desk.input(".format").value = format;
  desk.input(".order").value = desk.options.order;
  desk.heat = translucent(opacity / 100);
  desk.$(".viewer").toggleAttribute("data-heat", heat || (desk.now?.look ?? null) !== null);
}

/** The next frame proposes anew, however many events come before it. @param {Desk} desk @param {number} value @param {string} [source] the control that has it already */
export function setThreshold(desk, value, source) {
  const { now } = desk;
  if (!Number.isFinite(value) || !now) return;
  set(desk, { threshold: value });
  if (source !== "range") desk.input(".threshold").value = String(value);
  if (source !== "number") desk.input(".threshold-number").value = String(Number(value.toFixed(4)));
  now.stale = true;
  schedule(desk, "overlay");
  permalink(desk);
  save(desk, 250);
}

/** Takes a map in or out of the mean; a click on the mean itself keeps its heat on the image. @param {Desk} desk @param {number} i */
export function setScale(desk, i) {
  if (i === MEAN) { toggle(desk, "heat"); return strip(desk); }
  const { on } = shown(desk), wanted = on.map((counts, k) => (k === i ? !counts : counts));
  if (wanted.some(Boolean)) { set(desk, { on: wanted }); switchScales(desk); save(desk); } else desk.put(".mention", "One map has to stay in the mean.");
}

/** What the person says of the part; the same again takes it back. @param {Desk} desk @param {string} decision */
export function decide(desk, decision) {
  const { now } = desk;
  if (!now?.item) return;
  set(desk, { decision: now.decision === decision ? "undecided" : decision });
  chips(desk);
  save(desk, 0);
  if (desk.options.goOn && now.decision !== "undecided") open(desk, nextUndecided(desk.queue, now.item));
}

/** @param {Desk} desk @param {number} by */
export const step = (desk, by) => open(desk, neighbour(desk.queue, desk.now?.item, by));

/** Without a mouse: the view is moved with Shift and arrows, the brush marks what is in its middle. @param {Desk} desk */
export function stamp(desk) {
  const brush = PAINTS[desk.tool];
  if (!brush || !SIZED.has(desk.tool) || !editable(desk)) return;
  const middle = { x: desk.photo.width / 2, y: desk.photo.height / 2 }, at = toImage(desk.view, middle.x, middle.y);
  const stroke = { value: brush.value, change: begin(desk, brush.layer) };
  desk.hover = { ...middle, erasing: desk.tool === "eraser" };
  paintSegment(desk, stroke, at, at);
  commit(desk, stroke.change);
}
