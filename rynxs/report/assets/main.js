// Ties the parts together: one subject, one point, one panel at a time.

const TABS = ["timeline", "state", "differences"];

class Explorer {
  constructor(history) {
    this.history = history;
    this.subject = WHOLE_LOG;
    this.point = history.size - 1;
    this.tab = TABS[0];
    const visit = (seq) => this.visit(seq);
    const choose = (subject) => this.choose(subject);
    this.setPoint = pointControl(history, byId("point"), byId("point-number"), byId("point-text"), (seq) => {
      this.point = seq;
      this.show();
    });
    this.list = new SubjectList(history, choose);
    this.timeline = new TimelinePanel(history, visit);
    this.state = new StatePanel(history, visit, choose);
    this.differences = new DifferencesPanel(history, visit);
    byId("point-previous").addEventListener("click", () => this.step(-1));
    byId("point-next").addEventListener("click", () => this.step(1));
    this.listenToTabs();
    this.setPoint(this.point, false);
    preparePaper(history, () => this.subject);
  }

  listenToTabs() {
    for (const [place, name] of TABS.entries()) {
      const tab = byId(`tab-${name}`);
      tab.addEventListener("click", () => this.open(name));
      tab.addEventListener("keydown", (pressed) => {
        const moves = { ArrowLeft: place - 1, ArrowRight: place + 1, Home: 0, End: TABS.length - 1 };
        if (pressed.key in moves) {
          pressed.preventDefault();
          this.open(TABS[(moves[pressed.key] + TABS.length) % TABS.length]);
          byId(`tab-${this.tab}`).focus();
        }
      });
    }
  }

  open(name) {
    this.tab = name;
    this.show();
  }

  choose(subject) {
    this.subject = subject;
    this.list.mark(subject);
    this.show();
  }

  // Go to a record; to its subject too, if the one shown is another.
  visit(seq) {
    const { subject } = this.history.event(seq);
    if (this.subject !== WHOLE_LOG && this.subject !== subject) {
      this.subject = subject;
      this.list.mark(subject);
    }
    this.setPoint(seq, true);
    byId("timeline-rows").querySelector("[aria-current] .record")?.focus();
  }

  // To the event of the shown subject before or after the point.
  step(direction) {
    const seqs = this.history.eventsOf(this.subject);
    const count = this.history.countAt(this.subject, this.point);
    const isOn = seqs[count - 1] === this.point;
    const place = direction > 0 ? count : count - (isOn ? 2 : 1);
    if (place >= 0 && place < seqs.length) {
      this.setPoint(seqs[place], true);
    }
  }

  show() {
    replace(byId("subject-title"), this.history.name(this.subject));
    for (const name of TABS) {
      const isOpen = name === this.tab;
      byId(`tab-${name}`).setAttribute("aria-selected", String(isOpen));
      byId(`tab-${name}`).tabIndex = isOpen ? 0 : -1;
      byId(`panel-${name}`).hidden = !isOpen;
    }
    if (this.tab === "timeline") {
      this.timeline.follow(this.subject, this.point);
    } else {
      this[this.tab].show(this.subject, this.point);
    }
  }
}

function start() {
  const history = new History(JSON.parse(byId("data").textContent));
  if (history.size === 0) {
    replace(byId("explorer"), make("p", {}, "The log holds no records."));
    byId("explorer").hidden = false;
    return;
  }
  const explorer = new Explorer(history);
  // The summary's links to records: #record-12.
  const visitHash = () => {
    const found = /^#record-(\d{1,15})$/.exec(location.hash);
    if (found !== null && Number(found[1]) < history.size) {
      explorer.choose(WHOLE_LOG);
      explorer.open("timeline");
      byId("history").scrollIntoView();
      explorer.visit(Number(found[1]));
    }
  };
  window.addEventListener("hashchange", visitHash);
  byId("explorer").hidden = false;
  explorer.show();
  visitHash();
}

try {
  start();
} catch (error) {
  byId("explorer").hidden = true;
  byId("fault").hidden = false;
  throw error;
}
