// The session: what is saved and when, decisions, the queue of images, files to take away.

const STATUS = {
  undecided: ["○", "undecided"], accepted: ["✓", "accepted"],
  corrected: ["✎", "corrected"], rejected: ["✕", "good part"],
};
let session = null, queue = [], words = [], unsaved = false, saving = null, saveTimer = 0, fetching = false;
const thumbs = new Map(), pending = new Map();

// The server's answer, or a sentence where there is none: a call that fails gives undefined.
async function ask(name, request) {
  const answer = await server[name]({ session, ...request });
  return answer ?? { error: "The server does not answer. Check the connection and try again.", lost: true };
}

function tell(text, wrong = false) {
  put(".saved", text);
  $(".saved").classList.toggle("wrong", wrong);
}

// What could not be done, until the next thing is.
function complain(text = "") { put(".complaint", text); }

function save(wait = 150) {
  if (!now?.item) return;
  unsaved = true;
  tell("Saving …");
  clearTimeout(saveTimer);
  saveTimer = setTimeout(flush, wait);
}

// Sets aside what has changed on the desk, so that another image may come onto it.
function setAside() {
  settle();
  if (unsaved && now?.item) pending.set(now.item, reviewOf(now));
  unsaved = false;
}

// Sends what has changed; resolves when it is on the server's disk, or the server is out of reach.
function flush() {
  clearTimeout(saveTimer);
  setAside();
  saving ??= sendAll().finally(() => { saving = null; });
  return saving;
}

async function sendAll() {
  while (pending.size) {
    const [item, review] = pending.entries().next().value;
    pending.delete(item);
    const answer = await ask("save", { item, review });
    if (answer.lost) {
      if (!pending.has(item)) pending.set(item, review);
      saveTimer = setTimeout(flush, 2000);
      return tell("Not saved: the server does not answer. It will be tried again.", true);
    }
    if (answer.error) return tell(`Not saved: ${answer.error}`, true);
    enter(answer.entry);
    setAside();
  }
  tell(`Saved ${new Date().toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })}`);
}

function reviewOf(desk) {
  const touched = desk.painted || desk.zoned || desk.least > 1 || desk.fill || !desk.on.every(Boolean);
  return {
    threshold: desk.threshold, least: desk.least, fill: desk.fill, decision: desk.decision,
    off: desk.scales.filter((_, i) => !desk.on[i]).map((scale) => scale.name),
    reviewer: options.reviewer, labels: desk.labels,
    added: desk.painted ? encodeRuns(desk.paint, 1) : null, removed: desk.painted ? encodeRuns(desk.paint, 2) : null,
    zone: desk.zoned ? encodeRuns(desk.zone) : null, mask: touched ? encodeRuns(desk.mask) : null,
  };
}

async function open(item) {
  if (!item) return;
  if (unsaved || pending.size || saving) await flush();
  const mine = ++serial;
  $(".viewer").setAttribute("aria-busy", "true");
  const answer = await ask("open", { item });
  $(".viewer").removeAttribute("aria-busy");
  if (mine !== serial) return;
  if (answer.error) complain(answer.error); else await show(answer);
}

function step(by) {
  const at = queue.findIndex((entry) => entry.item === now?.item);
  open(queue[at + by]?.item);
}

function decide(decision) {
  if (!now?.item) return;
  now.decision = decision;
  chips();
  save(0);
  if (options.goOn && decision !== "undecided") {
    const at = queue.findIndex((entry) => entry.item === now.item);
    const next = [...queue.slice(at + 1), ...queue.slice(0, at)].find((entry) => entry.decision === "undecided");
    if (next) open(next.item);
  }
}

function chips() {
  for (const button of all(".decide")) button.setAttribute("aria-pressed", String(button.dataset.decision === now.decision));
  const [sign, text] = STATUS[now.decision];
  put(".status", `${sign} ${text}`);
  $(".status").dataset.decision = now.decision;
}

// Adds an image to the queue, or brings its entry up to date.
function enter(entry) {
  if (!entry) return;
  const old = queue.find((each) => each.item === entry.item);
  if (old) Object.assign(old, entry); else queue.push(entry);
  list();
}

function list() {
  queue.sort((a, b) => b.score - a.score || a.name.localeCompare(b.name));
  $(".queue").hidden = queue.length === 0;
  put(".queue-count", `${queue.length} image${queue.length === 1 ? "" : "s"}, ` +
    `${queue.filter((entry) => entry.decision !== "undecided").length} decided`);
  const seat = $(".queue-list"), old = new Map([...seat.children].map((node) => [node.dataset.item, node]));
  seat.replaceChildren(...queue.map((entry) => old.get(entry.item) ?? queueButton(entry)));
  for (const [k, entry] of queue.entries()) {
    const node = seat.children[k], [sign, text] = STATUS[entry.decision] ?? STATUS.undecided;
    node.querySelector(".queue-score").textContent = entry.score.toFixed(2);
    node.querySelector(".chip").textContent = `${sign} ${text}`;
    node.querySelector(".chip").dataset.decision = entry.decision;
    node.setAttribute("aria-label", `${entry.name}, score ${entry.score.toFixed(2)}, ${text}`);
    if (entry.item === now?.item) node.setAttribute("aria-current", "true"); else node.removeAttribute("aria-current");
    if (entry.item === now?.item) seat.scrollLeft = node.offsetLeft - seat.clientWidth / 2 + node.clientWidth / 2;
  }
  fetchThumbs();
}

// Small pictures come in portions, those of the loudest images first.
async function fetchThumbs() {
  if (fetching) return;
  fetching = true;
  for (;;) {
    const missing = queue.filter((entry) => !thumbs.has(entry.item)).slice(0, 60).map((entry) => entry.item);
    if (!missing.length) break;
    const answer = await ask("thumbs", { items: missing });
    if (answer.error) break;
    for (const [item, url] of Object.entries(answer.thumbs)) {
      thumbs.set(item, url);
      const button = [...$(".queue-list").children].find((node) => node.dataset.item === item);
      if (button) button.querySelector("img").src = url;
    }
  }
  fetching = false;
}

function queueButton(entry) {
  const button = make("button", "queued"), picture = new Image();
  button.type = "button";
  button.dataset.item = entry.item;
  button.title = entry.name;
  picture.alt = "";
  if (thumbs.has(entry.item)) picture.src = thumbs.get(entry.item);
  button.append(picture, make("span", "queue-score"), make("span", "chip"));
  button.addEventListener("click", () => open(entry.item));
  return button;
}

async function take(format, button) {
  if (!now?.item) return;
  button.disabled = true;
  if (unsaved || pending.size || saving) await flush();
  const answer = await ask("take", { item: now.item, format });
  button.disabled = false;
  if (answer.error) return complain(answer.error);
  complain();
  const link = make("a");
  link.href = URL.createObjectURL(new Blob([decodeBytes(answer.data)], { type: answer.type }));
  link.download = answer.name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

async function bring(file) {
  if (!now?.item || !file) return;
  if (file.size > 32e6) return complain(`${file.name} is larger than 32 MB: bring a smaller mask.`);
  const desk = now, bytes = new Uint8Array(await file.arrayBuffer());
  let text = "";
  for (let i = 0; i < bytes.length; i += 32768) text += String.fromCharCode(...bytes.subarray(i, i + 32768));
  const answer = await ask("bring", { item: desk.item, name: file.name, data: btoa(text) });
  if (answer.error) return complain(answer.error);
  if (now !== desk) return;
  complain();
  now.labels.push(...answer.labels);
  const change = begin("paint");
  now.paint.fill(2);
  decodeRuns(answer.mask, now.paint, 1);
  grow(change, { left: 0, top: 0, right: now.width, bottom: now.height });
  recombine();
  commit(change);
}

function permalink() {
  const query = new URLSearchParams({ model: now.model, threshold: now.threshold.toFixed(4), seed: now.seed });
  if (now.example) query.set("example", now.example);
  $(".link").value = `${location.origin}${location.pathname}?${query}`;
  put(".link-note", now.example ? "" : "An upload stays on this server: the link opens the model alone.");
}
