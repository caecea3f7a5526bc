// Changes of a subject's state in words: what a field is called, what it was and is.

// A change as one for each leaf, where a whole map or list has come.
function changeLines(path, before, after) {
  const isManifest = path[0] === "manifests" && path.length === 2;
  if (before === ABSENT && isTree(after) && !isManifest) {
    return [...leaves(after, path)].map(([inner, value]) => [inner, ABSENT, value]);
  }
  return [[path, before, after]];
}

// What is not known any more has not gone: only that it is unknown is told.
function telling(changes) {
  const unknown = { slice: "sliceUnknown", verdict: "verdictUnknown", manifests: "manifestsUnknown" };
  const lost = new Set(changes.filter(([, , after]) => after === true).map(([path]) => path[0]));
  return changes.filter(([path, , after]) => !(after === ABSENT && lost.has(unknown[path[0]])));
}

// The parts of a state are called what a reader knows them by; the rest is a path.
function fieldName(path) {
  const [part, ...rest] = path;
  if (part === "manifests") {
    const [id, member] = rest;
    return member === "retain" ? `manifest ${id}, kept when it goes` : `manifest ${id}`;
  }
  const names = {
    live: "there",
    sliceUnknown: "state unknown",
    verdictUnknown: "verdict unknown",
    manifestsUnknown: "plan unknown",
  };
  if (part in names) {
    return names[part];
  }
  if (part === "verdict") {
    return pathText(path);
  }
  return rest.length ? pathText(rest) : "state";
}

function beforeAfter(path, before, after) {
  const parts = [];
  if (before !== ABSENT) {
    parts.push(make("del", {}, make("span", { class: "unseen" }, "was "), sideText(path, before, true)));
  }
  if (after !== ABSENT) {
    parts.push(make("ins", {}, make("span", { class: "unseen" }, "now "), sideText(path, after, false)));
  }
  return parts;
}

// Digests of manifests are cut; the state shows them whole.
function sideText(path, value, isGone) {
  if (path[0] === "manifests" && path[2] !== "retain") {
    return shown(value instanceof Map ? value.get("digest") : value).slice(0, 12);
  }
  if (path.length === 1 && typeof value === "boolean") {
    return value ? "yes" : "no";
  }
  return isGone && isTree(value) && sizeOf(value) > 0 ? "(removed)" : shown(value);
}
