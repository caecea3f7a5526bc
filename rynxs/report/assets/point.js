// A point in the log: a slider and a number for the same thing.

function pointControl(history, slider, field, text, changed) {
  const last = Math.max(0, history.size - 1);
  const set = (seq, tell) => {
    const point = Math.min(last, Math.max(0, Number.isInteger(seq) ? seq : 0));
    slider.value = String(point);
    field.value = String(point);
    const event = history.event(point);
    const where = `Record ${number(point)} of ${number(last)}, ${timeText(event.time)}`;
    slider.setAttribute("aria-valuetext", where);
    replace(text, `${where}: ${event.title}, ${history.name(event.subject)}`);
    if (tell) {
      changed(point);
    }
  };
  slider.addEventListener("input", () => set(Number(slider.value), true));
  field.addEventListener("change", () => set(Number(field.value), true));
  return set;
}

const timeText = (time) => time.replace("T", " ").replace(/\.\d+Z$/, "");
