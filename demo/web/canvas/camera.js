// A camera's picture judged live, frame after frame as fast as the machine can; a key keeps one.
import { decimal } from "../text.js";
import { falseAlarms } from "../alarms.js";
import { clipped, gainOf, HEAT } from "./heat.js";
import { decodeMap } from "./maps.js";
import { hand } from "./sources.js";

/**
 * @typedef {import("./desk.js").Desk} Desk
 * @typedef {{ error?: string, model: string, threshold: number, low: number, high: number, normals: number[], promised: string[][],
 *   map: { w: number, h: number, data: string }, score: number, familiar: boolean, seconds: number }} Live
 */

/** Longer side of a frame that is judged, pixels. */
const SIDE = 640, QUALITY = 0.85, OPACITY = 170;
/** After so long a frame without an answer counts as lost, ms. */
const LOST = 20_000;

/** @param {Desk} desk */
export function listenToCamera(desk) {
  const box = /** @type {HTMLDialogElement} */ (desk.$(".camera"));
  for (const button of desk.buttons(".camera-open")) button.addEventListener("click", () => openCamera(desk));
  desk.$(".camera-keep").addEventListener("click", () => keepFrame(desk));
  box.addEventListener("close", () => closeCamera(desk));
  box.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() !== "k" || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    keepFrame(desk);
  });
}

/** @param {Desk} desk */
const videoOf = (desk) => /** @type {HTMLVideoElement} */ (desk.$(".camera-video"));

/** @param {Desk} desk */
async function openCamera(desk) {
  const box = /** @type {HTMLDialogElement} */ (desk.$(".camera")), video = videoOf(desk);
  desk.put(".camera-said", "Asking for the camera …");
  box.showModal();
  try {
    if (!navigator.mediaDevices) throw new Error("A browser gives a camera to pages from this machine or over https alone.");
    desk.film = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment", width: { ideal: 1920 } }, audio: false });
  } catch (error) {
    const { name, message } = /** @type {Error} */ (error);
    return desk.put(".camera-said", name === "NotAllowedError" ? "The browser was told not to give the camera." : name === "NotFoundError" ? "There is no camera." : message);
  }
  if (!box.open) return closeCamera(desk);
  video.srcObject = desk.film;
  await video.play();
  desk.put(".camera-said", "Looking …");
  sendFrame(desk);
}

/** @param {Desk} desk */
function closeCamera(desk) {
  for (const track of desk.film?.getTracks() ?? []) track.stop();
  desk.film = null;
  clearTimeout(desk.filmTimer);
  videoOf(desk).srcObject = null;
}

/** The next frame goes once the last is judged. @param {Desk} desk */
function sendFrame(desk) {
  const video = videoOf(desk);
  if (!desk.film || !video.videoWidth) return;
  clearTimeout(desk.filmTimer);
  desk.filmTimer = setTimeout(() => sendFrame(desk), LOST);  // a busy server may have refused the last
  desk.trigger("frame", { image: drawn(video, SIDE).toDataURL("image/jpeg", QUALITY) });
}

/** @param {HTMLVideoElement} video @param {number} side */
function drawn(video, side) {
  const canvas = document.createElement("canvas"), by = Math.min(1, side / Math.max(video.videoWidth, video.videoHeight));
  canvas.width = Math.round(video.videoWidth * by); canvas.height = Math.round(video.videoHeight * by);
  canvas.getContext("2d", { alpha: false })?.drawImage(video, 0, 0, canvas.width, canvas.height);
  return canvas;
}

/** @param {Desk} desk @param {Live} live */
export function showLive(desk, live) {
  if (!desk.film) return;
  if (live.error) return desk.put(".camera-said", live.error);
  const { score, threshold, familiar, seconds, model } = live, bad = score > threshold, { rate } = falseAlarms(live.normals, live.promised, threshold);
  const verdict = !familiar ? "≠ Not this model's part" : bad ? "✕ Looks defective" : "✓ Looks like a good part";
  desk.$(".camera").dataset.verdict = !familiar ? "strange" : bad ? "bad" : "good";
  desk.put(".camera-said", `${verdict} · ${decimal(score, 2)} of ${decimal(threshold, 2)} · ${model}${rate ? `, ${rate} false alarms` : ""} · ${decimal(seconds, 1)} s a picture`);
  paint(desk, live, familiar);
  requestAnimationFrame(() => sendFrame(desk));
}

/** What is above the threshold, over the picture. @param {Desk} desk @param {Live} live @param {boolean} marks */
function paint(desk, { map, threshold, low, high }, marks) {
  const gain = gainOf({ low, high });
  const overlay = /** @type {HTMLCanvasElement} */ (desk.$(".camera-overlay")), { values, w, h } = decodeMap(map);
  overlay.width = w; overlay.height = h;
  const context = /** @type {CanvasRenderingContext2D} */ (overlay.getContext("2d")), image = context.createImageData(w, h);
  for (let at = 0; at < w * h; at++) {
    if (!marks || values[at] <= threshold) continue;
    const colour = HEAT[clipped((values[at] - low) * gain)];
    image.data.set([...colour, OPACITY], 4 * at);
  }
  context.putImageData(image, 0, 0);
}

/** The picture as the camera has it goes to the desk. @param {Desk} desk */
async function keepFrame(desk) {
  const video = videoOf(desk);
  if (!desk.film || !video.videoWidth) return;
  const picture = drawn(video, Infinity);
  const blob = await new Promise((done) => picture.toBlob(done, "image/png"));
  const time = new Date().toTimeString().slice(0, 8).replaceAll(":", "-");
  hand(desk, [new File([blob], `camera_${time}.png`, { type: "image/png" })]);
  desk.put(".camera-said", "Kept: it is judged on the desk.");
}
