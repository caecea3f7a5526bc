// Elements are only ever made here, and texts of the log only ever become text nodes.

const byId = (id) => document.getElementById(id);

// Properties that start with "on" are listeners, the others attributes; false leaves one out.
function make(tag, properties, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties || {})) {
    if (name.startsWith("on")) {
      element.addEventListener(name.slice(2), value);
    } else if (value !== false && value !== undefined) {
      element.setAttribute(name, value === true ? "" : String(value));
    }
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

function replace(element, ...children) {
  element.replaceChildren(...children.filter((child) => child !== null));
}

// Tables turn into a list of cards on a narrow screen; each cell then shows its column's name.
function table(caption, names, rows) {
  const header = names.map((name) => make("th", { scope: "col", "data-is": name }, name));
  return make(
    "table",
    { class: "stacking" },
    make("caption", {}, caption),
    make("thead", {}, make("tr", {}, ...header)),
    make("tbody", {}, ...rows),
  );
}

function row(names, cells, properties) {
  const made = cells.map((cell, place) =>
    make("td", { "data-name": names[place] }, make("div", {}, ...[cell].flat())),
  );
  return make("tr", properties, ...made);
}

// Buttons to leaf through `count` things, `size` a page; `go` gets the new page. The button that
// was pressed keeps the focus, or its neighbour if it has nowhere left to go.
function leaf(element, what, page, count, size, go) {
  const last = Math.max(0, Math.ceil(count / size) - 1);
  element.hidden = last === 0;
  if (element.hidden) {
    replace(element);
    return;
  }
  const targets = [["First", 0], ["Previous", page - 1], ["Next", page + 1], ["Last", last]];
  const focused = element.contains(document.activeElement)
    ? [...element.querySelectorAll("button")].indexOf(document.activeElement)
    : -1;
  const buttons = targets.map(([name, target], place) =>
    make(
      "button",
      {
        type: "button",
        "aria-label": `${name} page of ${what}`,
        disabled: target < 0 || target > last || (place % 3 === 0 && target === page),
        onclick: () => go(target),
      },
      name,
    ),
  );
  const text = make("span", { role: "status" }, `Page ${number(page + 1)} of ${number(last + 1)}`);
  replace(element, buttons[0], buttons[1], text, buttons[2], buttons[3]);
  if (focused >= 0) {
    const order = [buttons[focused], ...(focused < 2 ? buttons.slice(2) : buttons.slice(0, 2))];
    order.find((button) => !button.disabled)?.focus();
  }
}

const number = (value) => value.toLocaleString("en-US");
