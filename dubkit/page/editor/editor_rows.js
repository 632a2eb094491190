// One line of the film as a row of the grid: who and when, what was said, what is said now.

const CELLS = ["about", "source_text", "text"];

const newRow = (line, names) => {
  const cells = {
    about: make("div", { className: "about", aria: { role: "gridcell" } }),
    source_text: make("div", { className: "text source", dir: "auto", lang: names.source.code, aria: { role: "gridcell" } }),
    text: make("div", { className: "text target", dir: "auto", lang: names.target.code, aria: { role: "gridcell" } }),
  };
  for (const cell of CELLS) {
    cells[cell].tabIndex = -1;
    cells[cell].dataset.cell = cell;
  }
  const row = make("div", { className: "row", dataset: { line: line.id }, aria: { role: "row" } });
  row.append(...CELLS.map((cell) => cells[cell]));
  return row;
};

const newHeads = (names) => {
  const texts = ["Line", names.source.name, names.target.name];
  const heads = texts.map((text) => make("div", { textContent: text, aria: { role: "columnheader" } }));
  return make("div", { className: "heads", aria: { role: "row" } }, ...heads);
};

// Fills a row with what its line says now; it is not touched while something is typed in it.
const fillRow = (row, line, draft, speaker) => {
  const [about, source, target] = row.children;
  const isOut = draft.isOut(line.id) || (line.dropped && !draft.has(line.id));
  const mark = draft.has(line.id) ? "not saved" : line.pending.length ? "to be dubbed" : line.corrected ? "corrected" : "";
  const times = `${clock(draft.line(line, "start"), 1)} – ${clock(draft.line(line, "end"), 1)}`;
  row.classList.toggle("out", isOut);
  row.dataset.mark = mark;
  row.style.setProperty("--ink", speaker.ink);
  about.replaceChildren(
    make("span", { className: "who", textContent: speaker.name }),
    make("span", { className: "when", textContent: times }),
    line.rate ? make("span", { className: "rate", textContent: `${line.rate.toFixed(2)}×`, title: "Speed of speech; 1 is natural" }) : "",
    line.flag ? make("span", { className: "flag", textContent: `⚠ ${line.flag}`, title: line.reason }) : "",
    isOut ? make("span", { className: "mark", textContent: "left out" }) : "",
    mark ? make("span", { className: "mark", textContent: mark }) : "",
  );
  for (const [cell, field] of [[source, "source_text"], [target, "text"]]) {
    if (cell.querySelector("textarea")) continue;
    cell.textContent = draft.line(line, field);
    cell.classList.toggle("changed", draft.isChanged(line.id, field));
  }
  const anew = draft.isChanged(line.id, "source_text") && !draft.isChanged(line.id, "text");
  target.classList.toggle("anew", anew);
  target.title = anew ? "This was the translation of the text as it was: it will be translated anew." : "";
};

const LONGEST = 2000; // characters of a line

// A field in place of a cell's text. `done(value, how)` is told "enter", "tab", "save" or "left"; value is null for no change,
// and empty where nothing was left.
const editCell = (cell, text, label, hint, done) => {
  const field = make("textarea", { value: text, rows: 1, spellcheck: true, dir: "auto", lang: cell.lang, maxLength: LONGEST, aria: { label } });
  const told = make("small", { className: "expected" });
  let isOver = false;
  const finish = (how) => {
    if (isOver) return;
    isOver = true;
    const value = field.value.replace(/\s+/g, " ").trim();
    const changed = how !== "escape" && value !== text ? value : null;
    cell.textContent = changed || text;
    done(changed, how);
  };
  const fit = () => {
    field.style.height = "auto";
    field.style.height = `${field.scrollHeight + 2}px`;
    told.textContent = field.value.length < LONGEST ? hint(field.value) : `A line has ${LONGEST} characters at most.`;
  };
  field.addEventListener("input", fit);
  field.addEventListener("blur", () => finish("left"));
  field.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const how = { Enter: event.ctrlKey || event.metaKey ? "save" : "enter", Escape: "escape", Tab: event.shiftKey ? "back" : "tab" }[event.key];
    event.stopPropagation();
    if (!how) return;
    event.preventDefault();
    finish(how);
  });
  cell.replaceChildren(field, told);
  fit();
  field.focus();
  field.setSelectionRange(text.length, text.length);
};
