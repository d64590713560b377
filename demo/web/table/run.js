// A run: slices of the model's queue until nothing waits; and what happens when.
function progress() {
  const waiting = rows.filter((row) => row.state === "waiting").length, finished = rows.length - waiting;
  const going = props.value?.run;
  if (!going || going.serial === serial) {  // the table alone was read again
    if (!waiting && run?.began) run = null;
    return waiting;
  }
  serial = going.serial;
  if (going.phase === "reading") { stopped = false; run = { reading: [going.done, going.total] }; }
  else if (waiting && going.more && !stopped) {
    if (!run?.began) run = { began: performance.now(), before: finished };
    trigger("more");
  } else if (going.phase !== "scoring" || !waiting) {
    if (run?.began && !waiting) say(summary());
    run = null;
  } else if (!run?.began && !stopped) run = { began: performance.now(), before: finished };
  return waiting;
}

function summary() {
  const [bad, failed] = [FILTERS.bad, FILTERS.error].map(([, test]) => rows.filter(test).length);
  return `Done: ${bad} of ${plural(rows.length - failed, "image")} look defective` + (failed ? `; ${plural(failed, "file")} could not be used.` : ".");
}

function span(seconds) {
  return seconds < 90 ? `${Math.max(1, Math.round(seconds))} s` : `${Math.round(seconds / 60)} min`;
}

function status(waiting) {
  $(".run").hidden = !run;
  $(".waiting").hidden = Boolean(run) || !waiting;
  $(".waiting-text").textContent = `${plural(waiting, "image")} ${waiting === 1 ? "waits" : "wait"} to be scored.`;
  if (!run) return;
  let done, total, text;
  if (run.reading) {
    [done, total] = run.reading;
    text = `${done} of ${total} files`;
  } else {
    done = rows.length - waiting - run.before; total = done + waiting;
    const left = done ? ((performance.now() - run.began) / 1000 / done) * waiting : null;
    text = `${done} of ${total}` + (left === null ? "" : `, about ${span(left)} left`);
  }
  $(".run-what").textContent = run.reading ? "Reading" : "Scoring";
  $(".run-text").textContent = text;
  $(".run-bar").max = Math.max(total, 1); $(".run-bar").value = done;
}

function load() {
  const value = props.value;
  if (!value || typeof value !== "object") return;
  rows = value.rows ?? []; facts = value.facts ?? null; session = value.session ?? null;
  status(progress());
  if (frame) cancelAnimationFrame(frame);
  draw();
}

header();
watch("value", load);
load();
$(".query").addEventListener("input", (event) => { query = event.target.value.trim().toLowerCase(); soon(); });
$(".threshold").addEventListener("input", (event) => { chosen = valueAt(Number(event.target.value)); soon(); });
$(".threshold").addEventListener("change", () => trigger("settle", { threshold: chosen }));
$(".reset").addEventListener("click", () => { chosen = null; trigger("settle", { threshold: null }); draw(); $(".threshold").focus(); });
$(".apply").addEventListener("click", () => { trigger("apply", { threshold: chosen ?? facts.threshold }); });
$(".resume").addEventListener("click", () => {
  stopped = false; run = { began: performance.now(), before: rows.filter((row) => row.state !== "waiting").length };
  status(rows.length - run.before);
  trigger("more");
});
$(".cancel").addEventListener("click", () => {
  stopped = true; run = null;
  status(rows.filter((row) => row.state === "waiting").length);
  say("Stopped. What is done stays.");
  trigger("cancel");
});
$(".clear").addEventListener("click", () => {
  $(".sure-text").textContent = `Remove ${plural(rows.length, "image")} with all results, masks and decisions from this server?`;
  $(".sure").hidden = false; $(".sure-no").focus();
});
$(".sure-no").addEventListener("click", () => { $(".sure").hidden = true; $(".clear").focus(); });
$(".sure-yes").addEventListener("click", () => { $(".sure").hidden = true; stopped = true; run = null; trigger("clear"); });
element.addEventListener("keydown", (event) => { if (event.key === "Escape" && !$(".sure").hidden) $(".sure-no").click(); });
