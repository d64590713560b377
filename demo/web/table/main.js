// The table of many images. It sorts, filters and follows the threshold without the server.
import { plural } from "../text.js";
import { valueAt } from "./axis.js";
import { histogram } from "./histogram.js";
import { drawLines, header } from "./lines.js";
import { drawPicks, listenToPicks } from "./picked.js";
import { countOf, reordered, waitingIn } from "./rows.js";
import { areNot, begun, followed, progressOf, summary } from "./run.js";
import { createTable } from "./state.js";
import { watchLines } from "./thumbs.js";
import { listenToViews } from "./views.js";

/** @typedef {import("./state.js").Table} Table */

/**
 * Brings a table to life; returns what takes the component's values.
 * @param {{ element: HTMLElement, trigger: (event: string, data?: object) => void,
 *   server: Record<string, (request: object) => Promise<any>> }} component of gr.HTML
 */
export function start({ element, trigger, server }) {
  const table = createTable(element, trigger, server), { choice } = table;
  table.seen = watchLines(table);
  header(
    table,
    (key) => { choice.order = reordered(choice.order, key); draw(table); },
    (key) => { choice.filter = key; draw(table); },
  );
  table.$(".strangers-show").addEventListener("click", () => { choice.filter = "strange"; draw(table); });
  listenToPicks(table, () => drawPicks(table)); listenToViews(table);
  listenToThreshold(table); listenToRun(table); listenToClearing(table);
  table.$(".query").addEventListener("input", () => { choice.query = table.input(".query").value.trim().toLowerCase(); soon(table); });
  return (/** @type {any} */ value) => load(table, value);
}

/** A listing of the server's, the component's value. @param {Table} table @param {any} value */
function load(table, value) {
  if (!value || typeof value !== "object") return;
  table.rows = value.rows ?? []; table.facts = value.facts ?? null; table.session = value.session ?? null; table.moved = value.moved ?? "";
  if (value.chosen !== undefined) table.chosen = value.chosen;
  const { ask, finished, ...course } = followed(table.course, value.run, table.rows, performance.now());
  table.course = course;
  if (ask) table.trigger("more");
  if (finished) table.put(".said", summary(table.rows, table.chosen));
  status(table);
  if (table.frame) cancelAnimationFrame(table.frame);
  draw(table);
}

/** @param {Table} table */
function draw(table) {
  table.frame = 0;
  table.$(".many").dataset.state = table.rows.length ? "full" : "empty";
  drawLines(table);
  drawPicks(table);
  strangers(table);
  moved(table);
  histogram(table);
}

/** How many images are not this model's part. @param {Table} table */
function strangers({ rows, chosen, $, put }) {
  const count = countOf(rows, "strange", chosen);
  $(".strangers").hidden = !count;
  put(".strangers-count", `${areNot(count)}.`);
}

/** That the photographs are not what the threshold promised for. @param {Table} table */
function moved({ moved: sentence, $, put }) {
  $(".moved").hidden = !sentence;
  put(".moved-said", sentence);
}

/** @param {Table} table */
function soon(table) {
  if (!table.frame) table.frame = requestAnimationFrame(() => draw(table));
}

/** How far the run is, or how many wait. @param {Table} table */
function status({ course: { run }, rows, $ }) {
  const waiting = waitingIn(rows), bar = /** @type {HTMLProgressElement} */ ($(".run-bar"));
  $(".run").hidden = !run;
  $(".waiting").hidden = Boolean(run) || !waiting;
  $(".waiting-text").textContent = `${plural(waiting, "image")} ${waiting === 1 ? "waits" : "wait"} to be scored.`;
  if (!run) return;
  const { what, done, total, text } = progressOf(run, rows, performance.now());
  $(".run-what").textContent = what;
  $(".run-text").textContent = text;
  bar.max = Math.max(total, 1); bar.value = done;
}

/** @param {Table} table */
function listenToThreshold(table) {
  const { $, input, trigger } = table, slider = input(".threshold");
  slider.addEventListener("input", () => { table.chosen = valueAt(table.axis, Number(slider.value)); soon(table); });
  slider.addEventListener("change", () => trigger("settle", { threshold: table.chosen }));
  $(".reset").addEventListener("click", () => {
    table.chosen = null;
    trigger("settle", { threshold: null });
    draw(table);
    slider.focus();
  });
  $(".apply").addEventListener("click", () => trigger("apply", { threshold: table.chosen ?? table.facts?.threshold }));
}

/** @param {Table} table */
function listenToRun(table) {
  const { $, trigger } = table;
  $(".resume").addEventListener("click", () => {
    table.course = { ...table.course, stopped: false, run: begun(table.rows, performance.now()) };
    status(table);
    trigger("more");
  });
  $(".cancel").addEventListener("click", () => {
    table.course = { ...table.course, stopped: true, run: null };
    status(table);
    table.put(".said", "Stopped. What is done stays.");
    trigger("cancel");
  });
}

/** Removing all asks first. @param {Table} table */
function listenToClearing(table) {
  const { $, trigger } = table, sure = $(".sure");
  $(".clear").addEventListener("click", () => {
    $(".sure-text").textContent = `Remove ${plural(table.rows.length, "image")} with all results, masks and decisions from this server?`;
    sure.hidden = false; $(".sure-no").focus();
  });
  $(".sure-no").addEventListener("click", () => { sure.hidden = true; $(".clear").focus(); });
  $(".sure-yes").addEventListener("click", () => {
    sure.hidden = true;
    table.course = { ...table.course, stopped: true, run: null };
    trigger("clear");
  });
  table.element.addEventListener("keydown", (event) => { if (event.key === "Escape" && !sure.hidden) $(".sure-no").click(); });
}
