// The differences between two points, by subject.

const DIFFERENCES_PAGE = 20;
const DIFFERENCES_MAX = 200;

class DifferencesPanel {
  constructor(history, visit) {
    this.history = history;
    this.visit = visit;
    this.base = 0;
    this.page = 0;
    this.set = pointControl(history, byId("base"), byId("base-number"), byId("base-text"), (seq) => {
      this.base = seq;
      this.show(this.subject, this.point);
    });
    this.set(0, false);
  }

  show(subject, point) {
    if (subject !== this.subject) {
      this.page = 0;
    }
    this.subject = subject;
    this.point = point;
    const [from, to] = [Math.min(this.base, point), Math.max(this.base, point)];
    const subjects = subjectsChanged(this.history, subject, from, to);
    this.page = Math.min(this.page, Math.max(0, Math.ceil(subjects.length / DIFFERENCES_PAGE) - 1));
    const start = this.page * DIFFERENCES_PAGE;
    const parts = subjects
      .slice(start, start + DIFFERENCES_PAGE)
      .map((each) => this.ofSubject(each, from, to));
    const span = make("p", { class: "standing" }, `From record ${from} to record ${to}:`);
    const nothing = parts.some((part) => part !== null) ? null : make("p", {}, "Nothing differs.");
    replace(byId("difference-rows"), span, ...parts, nothing);
    leaf(byId("difference-pages"), "differences", this.page, subjects.length, DIFFERENCES_PAGE, (page) => {
      this.page = page;
      this.show(this.subject, this.point);
    });
  }

  ofSubject(subject, from, to) {
    const { found, more } = differences(this.history, subject, from, to, DIFFERENCES_MAX);
    if (found.length === 0) {
      return null;
    }
    const names = ["Field", "Before and after", "Because of"];
    const rows = found.map(({ path, before, after, seq }) =>
      row(names, [
        make("code", {}, fieldName(path)),
        beforeAfter(path, before, after),
        this.reason(seq),
      ]),
    );
    const note = more ? [make("p", {}, `And ${number(more)} more fields.`)] : [];
    return make("div", {}, make("h4", {}, this.history.name(subject)), table("Differences", names, rows), ...note);
  }

  reason(seq) {
    if (seq === null) {
      return [];
    }
    const actor = this.history.actorBehind(seq);
    const who = actor === null ? [] : whoText(actor);
    return [recordLink(seq, this.visit), make("span", { class: "kind" }, this.history.event(seq).title), ...who];
  }
}
