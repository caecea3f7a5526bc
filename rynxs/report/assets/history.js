// The log's history: columns as they came, and the state of any subject at any point of it.

const WHOLE_LOG = -1;
const LOG_ITSELF = 0;

class History {
  constructor(data) {
    this.data = data;
    this.size = data.kind.length;
    this.subjects = data.subjects;
    this.paths = data.paths;
    this.erased = new Set(data.erased);
    this.bySubject = data.subjects.map(() => []);
    this.lives = data.subjects.map(() => []);
    this.cursor = { subject: WHOLE_LOG, place: -1, state: null };
    this.whole = Array.from({ length: this.size }, (_, seq) => seq);
    this.times = new Array(this.size);
    const live = data.paths.findIndex((path) => path.length === 1 && path[0] === "live");
    for (let seq = 0; seq < this.size; seq += 1) {
      const subject = data.subject[seq];
      this.times[seq] = data.time[seq] || this.times[seq - 1];
      this.bySubject[subject].push(seq);
      for (const [path, value] of data.changes[seq]) {
        if (path === live) {
          this.lives[subject].push([seq, value]);
        }
      }
    }
  }

  // The seqs of a subject's events, rising.
  eventsOf(subject) {
    return subject === WHOLE_LOG ? this.whole : this.bySubject[subject];
  }

  // How many of a subject's events are at or before a point.
  countAt(subject, seq) {
    return subject === WHOLE_LOG ? seq + 1 : countUpTo(this.bySubject[subject], seq);
  }

  // Whether a subject is there at a point: observed, and not deleted since.
  isLive(subject, seq) {
    const found = this.lives[subject].findLast(([when]) => when <= seq);
    return found !== undefined && found[1];
  }

  // The state of a subject at a point, found from the keyframe or from the state that was asked
  // for last, whichever is nearer; so a step takes as many changes as there are between keyframes
  // at most.
  stateAt(subject, seq) {
    return this.stateAfter(subject, this.countAt(subject, seq) - 1);
  }

  // The state of a subject after its event number `place`, counted from 0.
  stateAfter(subject, place) {
    const seqs = this.bySubject[subject];
    const { cursor } = this;
    let from = place;
    while (from >= 0 && !(seqs[from] in this.data.states)) {
      if (cursor.subject === subject && cursor.place === from) {
        break;
      }
      from -= 1;
    }
    let state = unpacked({ live: false, manifests: {} });
    if (from >= 0) {
      state = cursor.subject === subject && cursor.place === from
        ? cursor.state
        : unpacked(this.data.states[seqs[from]]);
    }
    for (let next = from + 1; next <= place; next += 1) {
      for (const change of this.data.changes[seqs[next]]) {
        state = changed(state, this.paths[change[0]], afterOf(change));
      }
    }
    this.cursor = { subject, place, state };
    return state;
  }

  // What an event changed: [path, before, after] each.
  changesOf(seq) {
    const { changes, subject } = this.data;
    if (changes[seq].length === 0) {
      return [];
    }
    const before = this.stateAfter(subject[seq], this.countAt(subject[seq], seq) - 2);
    return changes[seq].map((change) => {
      const path = this.paths[change[0]];
      return [path, at(before, path), afterOf(change)];
    });
  }

  event(seq) {
    const { data } = this;
    return {
      seq,
      time: this.times[seq],
      epoch: data.epoch[seq],
      kind: data.kinds[data.kind[seq]],
      title: data.titles[data.title[seq]],
      subject: data.subject[seq],
      cause: data.cause[seq] === 0 ? null : seq - data.cause[seq],
      actor: data.actor[seq] < 0 ? null : data.actors[data.actor[seq]],
      detail: seq in data.details ? unpacked(data.details[seq]) : null,
      erased: this.erased.has(seq),
    };
  }

  // Who asked for what an event brought: its own actor, or that of the nearest cause that has one.
  actorBehind(seq) {
    for (let now = seq; now !== null; ) {
      const event = this.event(now);
      if (event.actor !== null) {
        return event.actor;
      }
      now = event.cause;
    }
    return null;
  }

  name(subject) {
    if (subject === WHOLE_LOG) {
      return "The whole log";
    }
    return subject === LOG_ITSELF ? "The log itself" : this.subjects[subject];
  }
}

const afterOf = (change) => (change.length > 1 ? unpacked(change[1]) : ABSENT);

function countUpTo(sorted, limit) {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] <= limit) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}
