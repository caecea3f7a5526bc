// On paper: the timelines, made when printing starts and taken away after. A browser takes minutes
// to lay out tens of thousands of rows, so the longest histories are printed in parts.

const PAPER_EVENTS_MAX = 2000;

function preparePaper(history, current) {
  const place = byId("paper-timelines");
  window.addEventListener("beforeprint", () => {
    const wanted = byId("paper").value;
    const all = wanted === "all" ? [...history.subjects.keys()] : [current()];
    replace(place, ...(wanted === "summary" ? [] : paperTimelines(history, all)));
  });
  window.addEventListener("afterprint", () => replace(place));
}

function paperTimelines(history, subjects) {
  const parts = [];
  let room = PAPER_EVENTS_MAX;
  let left = 0;
  for (const subject of subjects) {
    const seqs = history.eventsOf(subject).slice(0, room);
    room -= seqs.length;
    left += history.eventsOf(subject).length - seqs.length;
    if (seqs.length > 0) {
      parts.push(paperTimeline(history, subject, seqs));
    }
  }
  const note = `Not printed are ${number(left)} more events: print one subject at a time, or see the Markdown form of this report.`;
  return left > 0 ? [make("p", { class: "standing" }, note), ...parts] : parts;
}

function paperTimeline(history, subject, seqs) {
  const rows = seqs.map((seq) => eventRow(history, seq, subject, null, {}));
  const title = `Timeline: ${history.name(subject)}`;
  return make("section", {}, make("h3", {}, title), eventTable(title, subject, rows));
}
