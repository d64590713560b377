// Where images come from: files that are chosen, dropped or pasted, and the model's examples.
import { make, makeButton } from "../dom.js";
import { PICTURE, whichWay } from "./asking.js";
import { complain } from "./saving.js";

/** @typedef {import("./desk.js").Desk} Desk */

const WAIT = 150;

/** @param {Desk} desk */
export function listenToSources(desk) {
  const { element } = desk, chosen = desk.input(".files-in");
  for (const button of desk.buttons(".choose")) button.addEventListener("click", () => chosen.click());
  const folder = desk.input(".folder-in");
  for (const button of desk.buttons(".choose-folder")) button.addEventListener("click", () => folder.click());
  for (const field of [chosen, folder])
    field.addEventListener("change", () => { hand(desk, sorted([...field.files ?? []], field === folder)); field.value = ""; });
  element.addEventListener("dragover", (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    desk.$(".viewer").toggleAttribute("data-over", true);
  });
  for (const type of ["dragleave", "drop"]) element.addEventListener(type, () => desk.$(".viewer").removeAttribute("data-over"));
  element.addEventListener("drop", (event) => {
    if (!event.dataTransfer?.files.length) return;
    event.preventDefault();
    dropped(event.dataTransfer).then((files) => hand(desk, files));
  });
  document.addEventListener("paste", (event) => {
    if (element.offsetParent && event.clipboardData?.files.length) hand(desk, [...event.clipboardData.files]);
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
function waiting(desk) {
  desk.awaited = true;
  desk.$(".viewer").setAttribute("aria-busy", "true");
}

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

/** Of a folder the photographs alone, in the order of their names. @param {File[]} files @param {boolean} fromFolder */
const sorted = (files, fromFolder) => (fromFolder ? files.filter(({ name }) => PICTURE.test(name)) : files)
  .sort((a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }));

/** What was dropped, folders opened. @param {DataTransfer} carried @returns {Promise<File[]>} */
async function dropped(carried) {
  const entries = [...carried.items].map((item) => item.webkitGetAsEntry?.() ?? null), plain = [...carried.files];
  if (!entries.some((entry) => entry?.isDirectory)) return plain;
  const found = await Promise.all(entries.map((entry) => (entry ? under(entry) : [])));
  return sorted(found.flat(), true);
}

/** @param {FileSystemEntry} entry @returns {Promise<File[]>} */
async function under(entry) {
  if (entry.isFile)
    return new Promise((done) => /** @type {FileSystemFileEntry} */ (entry).file((file) => done([file]), () => done([])));
  const reader = /** @type {FileSystemDirectoryEntry} */ (entry).createReader(), files = [];
  for (;;) {  // a browser gives a hundred at a time
    const some = await new Promise((done) => reader.readEntries(done, () => done([])));
    if (!some.length) return files;
    for (const each of some) files.push(...await under(each));
  }
}

/** Few are judged, of many it is asked what they are for. @param {Desk} desk @param {File[]} files */
export async function hand(desk, files) {
  const way = await whichWay(desk, files);
  if (way === "judge") { complain(desk); waiting(desk); upload("#upload", files); }
  if (way === "learn") { complain(desk); upload("#lesson", files); }
}

/** Files go the way of every upload of the page, which is busy until it has taken the last ones. @param {string} field @param {File[]} files */
async function upload(field, files) {
  const carried = new DataTransfer();
  for (const file of files) carried.items.add(file);
  for (;;) {
    const input = /** @type {HTMLInputElement | null} */ (document.querySelector(`${field} input[type=file]`));
    if (input) {
      input.files = carried.files;
      return input.dispatchEvent(new Event("change", { bubbles: true }));
    }
    await new Promise((done) => setTimeout(done, WAIT));
  }
}
