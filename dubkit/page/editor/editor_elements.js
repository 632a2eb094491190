// Elements and words. All text goes through textContent or properties: nothing that a user wrote becomes markup.

const make = (tag, properties = {}, ...children) => {
  const { dataset, aria, ...rest } = properties;
  const made = Object.assign(document.createElement(tag), rest);
  Object.assign(made.dataset, dataset);
  for (const [name, value] of Object.entries(aria ?? {})) made.setAttribute(name === "role" ? name : `aria-${name}`, value);
  made.append(...children.filter((child) => child !== null && child !== ""));
  return made;
};

const button = (label, onclick, properties = {}) => make("button", { type: "button", onclick, ...properties }, label);

const choice = (options, chosen, onchange, label) => {
  const select = make("select", { onchange: () => onchange(select.value), aria: { label } });
  for (const [value, text, group] of options) {
    let into = select;
    if (group) {
      into = [...select.children].find((part) => part.label === group) ?? make("optgroup", { label: group });
      if (!into.parentNode) select.append(into);
    }
    into.append(make("option", { value, textContent: text, selected: value === chosen }));
  }
  return select;
};

const counted = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;

const clock = (seconds, digits = 0) => {
  const tens = 10 ** digits;
  const whole = Math.round(Math.max(0, seconds) * tens) / tens;
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  const rest = (whole % 60).toFixed(digits).padStart(digits ? digits + 3 : 2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
};

// Seconds of "75", "1:15", "1:15.5" or "1:02:15"; NaN for anything else.
const seconds = (text) => {
  const parts = text.trim().replace(",", ".").split(":");
  if (!parts.length || parts.length > 3 || !parts.every((part) => /^\d+(\.\d+)?$/.test(part))) return NaN;
  return parts.reduce((sum, part) => sum * 60 + Number(part), 0);
};

// A length of time as one would say it, or that it lies between two: "10 to 40 seconds".
const span = (least, most = least) => {
  if (most < 10) return "a few seconds";
  const [size, name] = most < 55 ? [10, ""] : [60, "minute"];
  const [from, to] = [Math.round(least / size), Math.max(1, Math.ceil(most / size - 0.25))];
  const named = name ? counted(to, name) : `${to * size} seconds`;
  if (from === to) return `about ${named}`;
  return from < 1 ? `up to ${named}` : `${name ? from : from * size} to ${named}`;
};

// Okabe and Ito's colours, as in the time line; the order of speakers is the same.
const INKS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"];

const typing = (target) => target.closest?.("input:not([type=range], [type=radio]), textarea, select") !== null;

// Draws a part anew once the browser has moved the focus; what has it then is found again by its place.
const CONTROLS = "input, select, button";
const redraw = (holder, draw) => {
  clearTimeout(holder.waiting);
  holder.waiting = setTimeout(() => {
    const at = holder.contains(document.activeElement) ? [...holder.querySelectorAll(CONTROLS)].indexOf(document.activeElement) : -1;
    draw();
    if (at >= 0) holder.querySelectorAll(CONTROLS)[at]?.focus({ preventScroll: true });
  });
};
