// Where images come from: files that are chosen, dropped or pasted, and the model's examples.
import { make, makeButton } from "../dom.js";
import { complain } from "./saving.js";

/** @typedef {import("./desk.js").Desk} Desk */

const WAIT = 150;

/** @param {Desk} desk */
export function listenToSources(desk) {
  const { element } = desk, chosen = desk.input(".files-in");
  for (const button of desk.buttons(".choose")) button.addEventListener("click", () => chosen.click());
  chosen.addEventListener("change", () => { hand(desk, chosen.files); chosen.value = ""; });
  element.addEventListener("dragover", (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    desk.$(".viewer").toggleAttribute("data-over", true);
  });
  for (const type of ["dragleave", "drop"]) element.addEventListener(type, () => desk.$(".viewer").removeAttribute("data-over"));
  element.addEventListener("drop", (event) => {
    if (!event.dataTransfer?.files.length) return;
    event.preventDefault();
    hand(desk, event.dataTransfer.files);
  });
  document.addEventListener("paste", (event) => {
    if (element.offsetParent && event.clipboardData?.files.length) hand(desk, event.clipboardData.files);
  });
  for (const group of groups(desk))
    group.addEventListener("click", (event) => {
      const button = /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest(".example"));
      if (!button) return;
      waiting(desk);
      desk.trigger("example", { index: Number(button.dataset.index) });
    });
}

/** What is on the desk is dimmed until something new is, or there is nothing to come. @param {Desk} desk */
const waiting = (desk) => desk.$(".viewer").setAttribute("aria-busy", "true");

/** @param {Desk} desk */
const groups = (desk) => /** @type {NodeListOf<HTMLElement>} */ (desk.element.querySelectorAll(".examples"));

/** The model's examples, small. @param {Desk} desk @param {[string, string][]} pictures address and caption */
export function offerExamples(desk, pictures) {
  for (const group of groups(desk))
    group.replaceChildren(...pictures.map(([url, caption], index) => {
      const button = makeButton("example"), picture = make("img");
      Object.assign(picture, { src: url, alt: "", loading: "lazy" });
      button.dataset.index = String(index);
      button.title = `Example: ${caption}`;
      button.append(picture, make("span", "", caption));
      return button;
    }));
  desk.$(".tries").hidden = !pictures.length;
}

/** Files go the way of every upload of the page, which is busy until it has taken the last ones. @param {Desk} desk @param {FileList | null} files */
async function hand(desk, files) {
  const carried = new DataTransfer();
  for (const file of files ?? []) carried.items.add(file);
  if (!carried.files.length) return;
  complain(desk); waiting(desk);
  for (;;) {
    const input = /** @type {HTMLInputElement | null} */ (document.querySelector("#upload input[type=file]"));
    if (input) {
      input.files = carried.files;
      return input.dispatchEvent(new Event("change", { bubbles: true }));
    }
    await new Promise((done) => setTimeout(done, WAIT));
  }
}
