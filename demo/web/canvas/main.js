// The review canvas: one image, its maps, the person's decision. It draws and edits without the
// server, which it asks only to open, save and take away.
import { chooseTool, setSize, showOptions } from "./actions.js";
import { listenToClasses } from "./classes.js";
import { listenToControls } from "./controls.js";
import { createDesk, recall } from "./desk.js";
import { listenToCamera } from "./camera.js";
import { draw } from "./draw.js";
import { HEAT } from "./heat.js";
import { listenToKeys } from "./keys.js";
import { listenToPointer } from "./pointer.js";
import { ask } from "./queue.js";
import { flush } from "./saving.js";
import { receive } from "./show.js";
import { listenToSources } from "./sources.js";
import { nameByText } from "../uploads.js";
import { fitScreen, fitStage } from "./view.js";

/**
 * Brings a canvas to life; returns what takes the component's values.
 * @param {{ element: HTMLElement, trigger: (event: string, data?: object) => void,
 *   server: Record<string, (request: object) => Promise<any>> }} component of gr.HTML
 */
export function start({ element, trigger, server }) {
  const desk = createDesk(element, trigger, server);
  recall(desk);
  desk.draw = () => draw(desk);
  desk.$(".memory").id = desk.wordList;
  drawScale(/** @type {HTMLCanvasElement} */ (desk.$(".heat-bar")));
  showOptions(desk); setSize(desk, desk.options.size); chooseTool(desk, "select");
  listenToControls(desk); listenToPointer(desk); listenToKeys(desk); listenToSources(desk); listenToClasses(desk); listenToCamera(desk);
  new ResizeObserver(() => fitStage(desk)).observe(desk.stage);
  const tabs = element.closest("#tabs");
  if (tabs) nameByText(tabs);
  const above = new ResizeObserver(() => fitScreen(desk)), head = document.querySelector("#head");
  above.observe(document.documentElement);
  if (head) above.observe(head);
  document.addEventListener("visibilitychange", () => { if (document.hidden && desk.unsaved) flush(desk); });
  // For tests and measurements.
  const handle = {
    state: () => desk.now, view: desk.view, receive: (/** @type {any} */ value) => receive(desk, value),
    ask: (/** @type {string} */ name, /** @type {object} */ request) => ask(desk, name, request),
  };
  Object.assign(desk.$(".viewer"), { desk: handle });
  return handle.receive;
}

/** @param {HTMLCanvasElement} bar */
function drawScale(bar) {
  const context = /** @type {CanvasRenderingContext2D} */ (bar.getContext("2d"));
  HEAT.forEach(([r, g, b], i) => { context.fillStyle = `rgb(${r},${g},${b})`; context.fillRect(i, 0, 1, 1); });
}
