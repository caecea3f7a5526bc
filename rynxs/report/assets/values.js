// JSON values of the log. Maps are Map, so that no key can be taken for a property; numbers that
// JavaScript would round are Exact, which keeps their text.

class Exact {
  constructor(text) {
    this.text = text;
  }
}

const ABSENT = Symbol("absent");

function unpacked(value) {
  if (Array.isArray(value)) {
    return value.map(unpacked);
  }
  if (value === null || typeof value !== "object") {
    return value;
  }
  const entries = Object.entries(value);
  if (entries.length === 1 && entries[0][0] === "$number") {
    return new Exact(entries[0][1]);
  }
  return new Map(
    entries.map(([key, member]) => [key.startsWith("$") ? key.slice(1) : key, unpacked(member)]),
  );
}

// The value with one field replaced, or taken away; what is left alone is shared, never changed.
function changed(value, path, after, depth = 0) {
  if (depth === path.length) {
    return after;
  }
  const step = path[depth];
  const gone = depth === path.length - 1 && after === ABSENT;
  if (Array.isArray(value)) {
    const list = gone ? value.slice(0, step) : value.slice();
    if (!gone) {
      list[step] = changed(value[step], path, after, depth + 1);
    }
    return list;
  }
  const map = new Map(value);
  if (gone) {
    map.delete(step);
  } else {
    map.set(step, changed(value.get(step), path, after, depth + 1));
  }
  return map;
}

function at(value, path) {
  for (const step of path) {
    if (value instanceof Map && value.has(step)) {
      value = value.get(step);
    } else if (Array.isArray(value) && step in value) {
      value = value[step];
    } else {
      return ABSENT;
    }
  }
  return value;
}

const isTree = (value) => value instanceof Map || Array.isArray(value);
const sizeOf = (value) => (value instanceof Map ? value.size : value.length);

// The members of a map by sorted names, or of a list by position.
function members(value) {
  if (Array.isArray(value)) {
    return value.map((member, place) => [place, member]);
  }
  return [...value].sort(([one], [other]) => (one < other ? -1 : 1));
}

// Yields every leaf below a value, with its path.
function* leaves(value, path = []) {
  if (!isTree(value) || sizeOf(value) === 0) {
    yield [path, value];
    return;
  }
  for (const [step, member] of members(value)) {
    yield* leaves(member, [...path, step]);
  }
}

// Yields [path, before, after] of every field that differs.
function* differing(before, after, path = []) {
  if (before === after) {
    return;
  }
  const alike = isTree(before) && isTree(after) && Array.isArray(before) === Array.isArray(after);
  if (!alike) {
    if (json(before) !== json(after)) {
      yield [path, before, after];
    }
    return;
  }
  const names = new Map([...members(before), ...members(after)]);
  for (const [step] of Array.isArray(before) ? names : members(names)) {
    yield* differing(at(before, [step]), at(after, [step]), [...path, step]);
  }
}

function json(value, indent = "") {
  if (value === ABSENT) {
    return "(absent)";
  }
  if (value instanceof Exact) {
    return value.text;
  }
  if (!isTree(value)) {
    return JSON.stringify(value);
  }
  const [open, close] = Array.isArray(value) ? "[]" : "{}";
  if (sizeOf(value) === 0) {
    return open + close;
  }
  const inner = `${indent}  `;
  const lines = members(value).map(([step, member]) => {
    const name = Array.isArray(value) ? "" : `${JSON.stringify(step)}: `;
    return `${inner}${name}${json(member, inner)}`;
  });
  return `${open}\n${lines.join(",\n")}\n${indent}${close}`;
}

const SHOWN_MAX = 2000;

// A value for people: texts without quotes, long ones cut.
function shown(value) {
  const text = typeof value === "string" && value !== "" ? value : json(value);
  return text.length <= SHOWN_MAX
    ? text
    : `${text.slice(0, SHOWN_MAX)}... (${number(text.length)} characters)`;
}

// A path for people: spec.tools.allow[2]; a name that is not plain is quoted.
function pathText(path) {
  const text = path
    .map((step) => {
      if (typeof step === "number") {
        return `[${step}]`;
      }
      return /^[A-Za-z0-9_\-/:]+$/.test(step) ? `.${step}` : `[${JSON.stringify(step)}]`;
    })
    .join("");
  return text.replace(/^\./, "") || "(whole)";
}
