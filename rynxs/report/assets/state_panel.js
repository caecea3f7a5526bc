// The state at a point: of one subject whole, of the whole log as the list of what is there.

const FIELDS_MAX = 500;
const LIVE_PAGE = 50;

class StatePanel {
  constructor(history, visit, choose) {
    this.history = history;
    this.visit = visit;
    this.choose = choose;
    this.page = 0;
    this.opened = false;
    this.element = byId("panel-state");
  }

  show(subject, point) {
    if (subject === WHOLE_LOG) {
      this.showAll(point);
    } else if (subject === LOG_ITSELF) {
      replace(this.element, make("p", {}, "The log itself has no state but its records."));
    } else {
      this.showOne(subject, point);
    }
  }

  showOne(subject, point) {
    const count = this.history.countAt(subject, point);
    if (count === 0) {
      replace(this.element, make("p", { class: "standing" }, `Not known yet at record ${point}.`));
      return;
    }
    const state = this.history.stateAt(subject, point);
    const seq = this.history.bySubject[subject][count - 1];
    const standing = state.get("live") ? "There" : "Gone: deleted";
    replace(
      this.element,
      make("p", { class: "standing" }, `${standing} at record ${point}; last event `, recordLink(seq, this.visit), "."),
      make("h4", {}, "State"),
      this.fields(state),
      ...verdictParts(state),
      make("h4", {}, "Manifests of the plan"),
      state.get("manifestsUnknown")
        ? make("p", {}, "Not known: the payload of the plan is erased.")
        : manifestTable(state.get("manifests")),
      this.asJson(state),
    );
  }

  fields(state) {
    if (state.get("sliceUnknown")) {
      return make("p", {}, "Not known: a payload that it was made from is erased.");
    }
    if (!state.has("slice")) {
      return make("p", {}, "No state: there is no accepted observation.");
    }
    const rows = [];
    let more = 0;
    for (const [path, value] of leaves(state.get("slice"))) {
      if (rows.length < FIELDS_MAX) {
        rows.push(row(["Field", "Value"], [make("code", {}, pathText(path)), shown(value)]));
      } else {
        more += 1;
      }
    }
    const note = more ? make("p", {}, `And ${number(more)} more fields, in the JSON below.`) : null;
    return make("div", {}, table("State, field by field", ["Field", "Value"], rows), ...(note ? [note] : []));
  }

  // Written only while it is open: a big state takes a while.
  asJson(state) {
    const text = make("pre", { tabindex: "0", id: "state-json" });
    const fill = () => replace(text, json(state));
    const details = make("details", { class: "as-json" }, make("summary", {}, "As JSON"), text);
    details.open = this.opened;
    if (this.opened) {
      fill();
    }
    details.addEventListener("toggle", () => {
      this.opened = details.open;
      if (details.open) {
        fill();
      }
    });
    return details;
  }

  showAll(point) {
    const { history } = this;
    const live = [...history.subjects.keys()].filter(
      (subject) => subject > LOG_ITSELF && history.isLive(subject, point),
    );
    this.page = Math.min(this.page, Math.max(0, Math.ceil(live.length / LIVE_PAGE) - 1));
    const start = this.page * LIVE_PAGE;
    const names = ["Subject", "Manifests", "Last event"];
    const rows = live.slice(start, start + LIVE_PAGE).map((subject) => {
      const state = history.stateAt(subject, point);
      const seq = history.bySubject[subject][history.countAt(subject, point) - 1];
      const open = make("button", { type: "button", class: "record", onclick: () => this.choose(subject) }, history.name(subject));
      return row(names, [open, String(state.get("manifests").size), recordLink(seq, this.visit)]);
    });
    const pages = make("div", { class: "pages" });
    const text = `${number(live.length)} ${live.length === 1 ? "subject is" : "subjects are"} there at record ${point}.`;
    const old = this.element.querySelector(".pages");
    if (old === null || rows.length === 0) {
      replace(this.element, make("p", { class: "standing" }, text), rows.length ? table("Subjects that are there", names, rows) : null, pages);
    } else {
      this.element.querySelector(".standing").textContent = text;
      this.element.querySelector("table")?.remove();
      old.before(table("Subjects that are there", names, rows));
    }
    leaf(old !== null && rows.length ? old : pages, "subjects that are there", this.page, live.length, LIVE_PAGE, (page) => {
      this.page = page;
      this.showAll(point);
    });
  }
}

function manifestTable(manifests) {
  if (manifests.size === 0) {
    return make("p", {}, "No manifest is asked for.");
  }
  const names = ["Manifest", "SHA-256", "When it goes"];
  const rows = members(manifests).map(([id, entry]) =>
    row(names, [
      id,
      make("code", {}, entry.get("digest")),
      entry.get("retain") ? "kept" : "deleted",
    ]),
  );
  return table("Manifests", names, rows);
}
