// What a verdict says: each condition with its message whole, since that is why something does not
// run.

const CONDITIONS = "conditions";
const REFUSED = "refused";

// The verdict that an event brought, null if it took one away; ABSENT if it is about none.
function verdictOf(event) {
  const isAbout = event.kind === "Judged" || event.kind === "Carried";
  return isAbout && event.detail !== null ? at(event.detail, ["verdict"]) : ABSENT;
}

// Names and texts of a verdict's conditions, each sentence of a message on a line of its own.
function conditionLines(verdict) {
  const conditions = at(verdict, [CONDITIONS]);
  return (Array.isArray(conditions) ? conditions : []).map((condition) => {
    const [type, status, reason, message] = ["type", "status", "reason", "message"].map((name) =>
      String(at(condition, [name])),
    );
    const sentences = message === "" ? [] : message.split("; ");
    return [`${type}=${status} (${reason})`, sentences.map((each) => make("div", {}, each))];
  });
}

// What an event says beside a verdict, whose other members stand under what changed.
function restOf(detail, verdict) {
  const rest = new Map(detail);
  if (verdict !== ABSENT) {
    rest.delete("verdict");
  }
  return rest;
}

// What is told of a verdict in words is not told again as a change.
const isToldAsVerdict = (path) =>
  path[0] === "verdict" && (path[1] === CONDITIONS || path[1] === REFUSED);

// A subject's state, as far as it is a verdict on it.
function verdictParts(state) {
  if (state.get("verdictUnknown")) {
    return [make("h4", {}, "Verdict"), make("p", {}, "Not known: its payload is erased.")];
  }
  if (!state.has("verdict")) {
    return [];
  }
  const verdict = state.get("verdict");
  const word = at(verdict, [REFUSED]) === true ? "Refused: nothing is rendered." : "Not refused.";
  const lines = conditionLines(verdict);
  return [
    make("h4", {}, "Verdict"),
    make("p", { class: "standing" }, word),
    ...(lines.length ? [fieldList(lines, Infinity)] : []),
  ];
}
