// What differs between two points of the log, and which event brought it.

// The subjects with a change after `base` and up to `point`.
function subjectsChanged(history, subject, base, point) {
  if (subject > LOG_ITSELF) {
    return history.countAt(subject, base) < history.countAt(subject, point) ? [subject] : [];
  }
  if (subject === LOG_ITSELF) {
    return [];
  }
  const found = new Set();
  for (let seq = base + 1; seq <= point; seq += 1) {
    if (history.data.changes[seq].length > 0) {
      found.add(history.data.subject[seq]);
    }
  }
  return [...found].sort((one, other) => one - other);
}

// The fields of a subject that differ: maps of path, before, after, and the seq that brought it.
function differences(history, subject, base, point, limit) {
  const before = history.stateAt(subject, base);
  const after = history.stateAt(subject, point);
  const found = [];
  let more = 0;
  for (const whole of telling([...differing(before, after)])) {
    for (const [path, old, now] of changeLines(...whole)) {
      if (found.length < limit) {
        found.push({ path, before: old, after: now, seq: null });
      } else {
        more += 1;
      }
    }
  }
  attribute(history, subject, base, point, found);
  return { found, more };
}

// Find for each difference the last event in between that changed its field.
function attribute(history, subject, base, point, found) {
  const seqs = history.bySubject[subject];
  let open = found;
  for (
    let place = history.countAt(subject, point) - 1;
    open.length > 0 && place >= 0 && seqs[place] > base;
    place -= 1
  ) {
    const touched = history.data.changes[seqs[place]].map((change) => history.paths[change[0]]);
    for (const each of open) {
      if (touched.some((path) => overlap(path, each.path))) {
        each.seq = seqs[place];
      }
    }
    open = open.filter((each) => each.seq === null);
  }
}

// Whether one path is the beginning of the other.
function overlap(one, other) {
  const length = Math.min(one.length, other.length);
  for (let place = 0; place < length; place += 1) {
    if (one[place] !== other[place]) {
      return false;
    }
  }
  return true;
}
