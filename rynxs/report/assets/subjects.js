// The list of subjects: radio buttons, so that arrow keys move through it; a page at a time.

const SUBJECTS_PAGE = 50;

class SubjectList {
  constructor(history, choose) {
    this.history = history;
    this.choose = choose;
    this.page = 0;
    this.chosen = WHOLE_LOG;
    this.filter = byId("subject-filter");
    this.filter.addEventListener("input", () => this.search());
    this.search();
  }

  search() {
    const wanted = this.filter.value.trim().toLowerCase();
    const all = [WHOLE_LOG, ...this.history.subjects.keys()];
    this.found = all.filter((subject) =>
      this.history.name(subject).toLowerCase().includes(wanted),
    );
    this.page = Math.max(0, Math.floor(this.found.indexOf(this.chosen) / SUBJECTS_PAGE));
    this.show();
  }

  // Show a subject as chosen, on its page.
  mark(subject) {
    this.chosen = subject;
    const place = this.found.indexOf(subject);
    if (place < 0) {
      this.filter.value = "";
      this.search();
      return;
    }
    this.page = Math.floor(place / SUBJECTS_PAGE);
    const shown = byId("subject-list").querySelector(`input[value="${subject}"]`);
    if (shown === null) {
      this.show();
    } else {
      shown.checked = true;
    }
  }

  show() {
    const start = this.page * SUBJECTS_PAGE;
    const options = this.found.slice(start, start + SUBJECTS_PAGE).map((subject) => this.option(subject));
    replace(byId("subject-list"), ...options, options.length ? null : make("p", {}, "None is called so."));
    leaf(byId("subject-pages"), "subjects", this.page, this.found.length, SUBJECTS_PAGE, (page) => {
      this.page = page;
      this.show();
    });
  }

  option(subject) {
    const { history } = this;
    const radio = make("input", {
      type: "radio",
      name: "subject",
      value: subject,
      onchange: () => this.choose(subject),
    });
    radio.checked = subject === this.chosen;
    const parts = subject > LOG_ITSELF ? history.name(subject).split("/") : [];
    const title = parts.length
      ? [
          make("span", { class: "subject-name" }, parts.slice(-1)[0]),
          make("span", { class: "subject-kind" }, parts.slice(0, -1).join("/")),
        ]
      : [make("span", { class: "subject-name" }, history.name(subject))];
    const events = history.eventsOf(subject).length;
    const count = make(
      "span",
      { class: "subject-count" },
      number(events),
      make("span", { class: "unseen" }, events === 1 ? " event" : " events"),
    );
    return make("label", { class: "subject" }, radio, make("span", {}, ...title), count);
  }
}
