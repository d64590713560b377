// A run: files are read, then slices of the model's queue until nothing waits.
import { plural } from "../text.js";
import { countOf, waitingIn } from "./rows.js";

/**
 * @typedef {import("./rows.js").Row} Row
 * @typedef {{ reading: [number, number] } | { began: number, before: number }} Run
 *   files read of how many; or when scoring began, and how many rows were finished before
 * @typedef {{ serial: number, phase: string, done?: number, total?: number, more?: boolean }} News what the server says goes on
 * @typedef {{ run: Run | null, serial: number | null, stopped: boolean }} Course `stopped` by the person
 */

/** @param {Row[]} rows @param {number} time @returns {Run} */
export const begun = (rows, time) => ({ began: time, before: rows.length - waitingIn(rows) });

/**
 * What the server's news make of a run; `ask` for the next slice, `finished` if that was the last.
 * @param {Course} course @param {News | null | undefined} news @param {Row[]} rows @param {number} time
 * @returns {Course & { ask?: boolean, finished?: boolean }}
 */
export function followed(course, news, rows, time) {
  const waiting = waitingIn(rows), { run, stopped } = course, scoring = run && "began" in run ? run : null;
  if (!news || news.serial === course.serial)  // the table alone was read again
    return scoring && !waiting ? { ...course, run: null } : course;
  const next = { run, stopped, serial: news.serial };
  if (news.phase === "reading") return { ...next, stopped: false, run: { reading: [news.done ?? 0, news.total ?? 0] } };
  if (waiting && news.more && !stopped) return { ...next, run: scoring ?? begun(rows, time), ask: true };
  if (news.phase !== "scoring" || !waiting) return { ...next, run: null, finished: scoring !== null && !waiting };
  return scoring || stopped ? next : { ...next, run: begun(rows, time) };
}

/** @param {Row[]} rows @param {number | null} chosen */
export function summary(rows, chosen) {
  const bad = countOf(rows, "bad", chosen), failed = countOf(rows, "error", chosen), strange = countOf(rows, "strange", chosen);
  return `Done: ${bad} of ${plural(rows.length - failed, "image")} look defective` + (strange ? `, ${areNot(strange)}` : "") + (failed ? `; ${plural(failed, "file")} could not be used.` : ".");
}

/** @param {number} count */
export const areNot = (count) => `${count} ${count === 1 ? "is" : "are"} not this model's part`;

/** @param {number} seconds */
export const duration = (seconds) => (seconds < 90 ? `${Math.max(1, Math.round(seconds))} s` : `${Math.round(seconds / 60)} min`);

/** How far a run is. @param {Run} run @param {Row[]} rows @param {number} time */
export function progressOf(run, rows, time) {
  if ("reading" in run) {
    const [done, total] = run.reading;
    return { what: "Reading", done, total, text: `${done} of ${total} files` };
  }
  const waiting = waitingIn(rows), done = rows.length - waiting - run.before, total = done + waiting;
  const left = done ? `, about ${duration(((time - run.began) / 1000 / done) * waiting)} left` : "";
  return { what: "Scoring", done, total, text: `${done} of ${total}${left}` };
}
