// The timeline of a subject or of the whole log, a page at a time.

const TIMELINE_PAGE = 50;
const CHANGES_SHOWN = 8;
const DETAILS_SHOWN = 4;
const ALL_KINDS = "";

class TimelinePanel {
  constructor(history, visit) {
    this.history = history;
    this.visit = visit;
    this.subject = WHOLE_LOG;
    this.point = 0;
    this.page = 0;
    this.select = byId("kind");
    this.select.addEventListener("change", () => this.follow(this.subject, this.point));
  }

  // Show the page that the point lies on.
  follow(subject, point) {
    if (subject !== this.subject || this.select.options.length === 0) {
      this.subject = subject;
      this.offerKinds();
    }
    this.point = point;
    const kind = this.select.value;
    const { data } = this.history;
    const seqs = this.history.eventsOf(subject);
    this.seqs = kind === ALL_KINDS
      ? seqs
      : seqs.filter((seq) => data.kinds[data.kind[seq]] === kind);
    const place = Math.max(0, countUpTo(this.seqs, point) - 1);
    this.page = Math.floor(place / TIMELINE_PAGE);
    this.show();
  }

  offerKinds() {
    const { data } = this.history;
    const counts = new Map();
    for (const seq of this.history.eventsOf(this.subject)) {
      const kind = data.kinds[data.kind[seq]];
      counts.set(kind, (counts.get(kind) || 0) + 1);
    }
    const kinds = [...counts].sort(([one], [other]) => (one < other ? -1 : 1));
    replace(
      this.select,
      make("option", { value: ALL_KINDS }, "all events"),
      ...kinds.map(([kind, count]) => make("option", { value: kind }, `${kind} (${number(count)})`)),
    );
  }

  show() {
    const start = this.page * TIMELINE_PAGE;
    const seqs = this.seqs.slice(start, start + TIMELINE_PAGE);
    const current = this.seqs[countUpTo(this.seqs, this.point) - 1];
    const rows = seqs.map((seq) => eventRow(this.history, seq, this.subject, this.visit, {
      "aria-current": seq === current ? "true" : false,
      class: seq > this.point ? "later" : "",
    }));
    const caption = `Events of ${this.history.name(this.subject).replace(/^The/, "the")}`;
    replace(
      byId("timeline-rows"),
      rows.length ? eventTable(caption, this.subject, rows) : make("p", {}, "There are no such events."),
    );
    leaf(byId("timeline-pages"), "events", this.page, this.seqs.length, TIMELINE_PAGE, (page) => {
      this.page = page;
      this.show();
    });
  }
}

const eventColumns = (subject) =>
  subject === WHOLE_LOG
    ? ["Record", "Subject", "What happened", "Who", "What changed"]
    : ["Record", "What happened", "Who", "What changed"];

const eventTable = (caption, subject, rows) => {
  const made = table(caption, eventColumns(subject), rows);
  made.classList.add("events");
  return made;
};

function eventRow(history, seq, subject, visit, properties) {
  const event = history.event(seq);
  const about = subject === WHOLE_LOG ? [[history.name(event.subject)]] : [];
  const cells = [
    [recordLink(seq, visit), make("span", { class: "time" }, timeText(event.time))],
    ...about,
    whatHappened(event, visit),
    event.actor === null ? [] : whoText(event.actor),
    changeList(history.changesOf(seq), linesShown(visit, CHANGES_SHOWN)),
  ];
  return row(eventColumns(subject), cells, properties);
}

function recordLink(seq, visit) {
  if (visit === null) {
    return make("strong", {}, String(seq));
  }
  const label = `Record ${seq}: go to this point`;
  return make("button", { type: "button", class: "record", "aria-label": label, onclick: () => visit(seq) }, String(seq));
}

function whatHappened(event, visit) {
  const parts = [make("span", { class: "title" }, event.title), make("span", { class: "kind" }, event.kind)];
  if (event.erased) {
    parts.push(make("span", { class: "badge partial" }, "payload erased"));
  }
  if (event.cause !== null) {
    parts.push(make("span", { class: "cause" }, "because of ", recordLink(event.cause, visit)));
  }
  if (event.detail !== null) {
    const verdict = verdictOf(event);
    const said = verdict instanceof Map ? conditionLines(verdict) : [];
    const rest = restOf(event.detail, verdict);
    const lines = rest.size === 0 ? [] : [...leaves(rest)];
    const told = lines.map(([path, value]) => [pathText(path), shown(value)]);
    const lists = [[said, Infinity], [told, linesShown(visit, DETAILS_SHOWN)]];
    parts.push(...lists.filter(([each]) => each.length > 0).map((each) => fieldList(...each)));
  }
  return parts;
}

function whoText(actor) {
  const told = [actor.authenticated ? "authenticated" : "not authenticated"];
  if (actor.groups) {
    told.push(`groups ${actor.groups.join(", ")}`);
  }
  if (actor.request) {
    told.push(`request ${actor.request}`);
  }
  return [make("span", { class: "who" }, actor.name), ...told.map((each) => make("span", { class: "kind" }, each))];
}

function changeList(changes, limit) {
  if (changes.length === 0) {
    return make("span", { class: "kind" }, "nothing");
  }
  const lines = telling(changes)
    .flatMap((change) => changeLines(...change))
    .filter(([path]) => !isToldAsVerdict(path))
    .map(([path, before, after]) => [fieldName(path), beforeAfter(path, before, after)]);
  return fieldList(lines, limit);
}

// Nobody can press a button on paper, where records can't be visited either.
const linesShown = (visit, limit) => (visit === null ? Infinity : limit);

// Names and what stands there; beyond the first lines behind a button.
function fieldList(lines, limit) {
  const pair = ([name, value]) =>
    make("div", {}, make("dt", {}, name), make("dd", {}, ...[value].flat()));
  const list = make("dl", { class: "fields" }, ...lines.slice(0, limit).map(pair));
  const more = lines.slice(limit);
  if (more.length === 0) {
    return list;
  }
  const button = make("button", { type: "button", class: "more" }, `Show ${number(more.length)} more fields`);
  button.addEventListener("click", () => {
    list.append(...more.map(pair));
    button.remove();
  });
  return make("div", {}, list, button);
}
