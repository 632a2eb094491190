// The table of lines: read, searched, corrected in place, and gone through by keyboard.

const newLines = (root, draft, players, actions) => {
  const grid = root.querySelector(".rows");
  const search = root.querySelector(".search");
  const filter = root.querySelector(".filter");
  const count = root.querySelector(".count");
  const empty = root.querySelector(".empty");
  const tools = make("div", { className: "tools", aria: { role: "gridcell" } });
  let film = null;
  let lines = new Map();
  let rows = new Map();
  let chosen = null;
  let sounding = null;

  const speakerOf = (line) => actions.speaker(draft.line(line, "speaker"));
  const shown = () => [...rows.values()].filter((row) => !row.hidden);
  const cellOf = (id, cell) => rows.get(id)?.querySelector(`[data-cell=${cell}]`);
  const isWanted = (line) => {
    const wanted = filter.value;
    if (wanted === "flag" && !line.flag && !line.note) return false;
    if (wanted === "changed" && !draft.has(line.id) && !line.corrected && !line.pending.length) return false;
    const words = search.value.trim().toLocaleLowerCase();
    if (!words) return true;
    const texts = [draft.line(line, "source_text"), draft.line(line, "text"), speakerOf(line).name];
    return texts.some((text) => text.toLocaleLowerCase().includes(words));
  };
  const sift = () => {
    let n = 0;
    for (const [id, row] of rows) {
      row.hidden = !isWanted(lines.get(id));
      n += !row.hidden;
    }
    count.textContent = n === rows.size ? counted(n, "line") : `${n} of ${counted(rows.size, "line")}`;
    empty.hidden = n > 0;
    empty.textContent = rows.size ? "No line is like that." : "Nobody speaks in this film: there is nothing to correct.";
  };
  const fill = (id) => {
    const line = lines.get(id);
    fillRow(rows.get(id), line, draft, speakerOf(line));
  };

  // How fast a text would have to be spoken, judged by how long the one before it was.
  const pace = (line) => (text) => {
    if (!line.rate || !line.text) return "";
    const rate = (line.rate * text.trim().length) / line.text.length;
    return rate > 1.3 ? `about ${rate.toFixed(2)}×: shorter would be better` : `about ${rate.toFixed(2)}×`;
  };
  const edit = (id, cell) => {
    const line = lines.get(id);
    const at = cellOf(id, cell);
    if (cell === "about" || draft.isOut(id) || line.dropped || at.querySelector("textarea")) return;
    const label = `${cell === "text" ? film.target.name : film.source.name}, line ${id}`;
    editCell(at, draft.line(line, cell), label, cell === "text" ? pace(line) : () => "", (value, how) => {
      if (value) draft.setLine(line, cell, value);
      else if (value === "") actions.tell("A line cannot be empty: it stays as it was. Leave it out to keep the original sound there.");
      fill(id);
      if (chosen === id) equip();
      if (how === "enter") step(id, cell, 1);
      else if (how === "tab" && cell === "source_text") edit(id, "text");
      else if (how === "back" && cell === "text") edit(id, "source_text");
      else if (how !== "left") focus(id, cell);
      if (how === "save") actions.save();
    });
  };
  const focus = (id, cell) => {
    choose(id);
    for (const at of grid.querySelectorAll("[tabindex='0']")) at.tabIndex = -1;
    const at = cellOf(id, cell);
    at.tabIndex = 0;
    at.focus({ preventScroll: true });
    rows.get(id).scrollIntoView({ block: "nearest" });
  };
  const step = (id, cell, by) => {
    const ids = shown().map((row) => row.dataset.line);
    const next = ids[Math.min(Math.max(ids.indexOf(id) + by, 0), ids.length - 1)];
    if (next) focus(next, cell);
  };
  const play = (id, which) => {
    const line = lines.get(id);
    players.playLine(which, ...line.dub);
  };

  const time = (line, field) =>
    make("input", {
      type: "text",
      inputMode: "decimal",
      size: 7,
      value: clock(draft.line(line, field), 2),
      aria: { label: field === "start" ? "Start" : "End" },
      onchange: (event) => {
        const value = seconds(event.target.value);
        const [from, to] = field === "start" ? [value, draft.line(line, "end")] : [draft.line(line, "start"), value];
        const fits = from < to && to <= film.duration + 0.01;
        event.target.setCustomValidity(fits ? "" : "Minutes and seconds within the film; the start comes before the end.");
        if (fits) draft.setLine(line, field, Math.abs(value - line[field]) < 0.006 ? line[field] : value);
        else event.target.reportValidity();
      },
    });
  const undo = (line) => {
    if (draft.has(line.id)) draft.undo(line.id);
    else actions.reset(line.id);
  };
  // What can be done with the chosen line, under it.
  const equip = () => {
    const line = lines.get(chosen);
    if (!line) return;
    const isOut = draft.isOut(line.id) || line.dropped;
    const isChanged = draft.has(line.id) || line.corrected;
    const wordings = line.wordings.filter((text) => text !== draft.line(line, "text"));
    const speakers = actions.speakers().map((speaker) => [speaker.id, speaker.name]);
    tools.replaceChildren(
      make(
        "div",
        { className: "strip" },
        button("▶ Dub", () => play(line.id, "dub"), { title: "Space" }),
        players.hasOriginal ? button("▶ Original", () => play(line.id, "original"), { title: "O" }) : "",
        button("Preview", () => actions.preview(line.start, line.end), { title: "See it with your changes" }),
        isChanged ? button("Undo", () => undo(line), { className: "undo", title: "As it was found" }) : "",
        isOut ? "" : button("Leave out", () => draft.leaveOut(line), { title: "Keep the original sound there" }),
      ),
      isOut
        ? ""
        : make(
            "div",
            { className: "strip" },
            make("label", {}, "Speaker ", choice(speakers, draft.line(line, "speaker"), (id) => draft.setLine(line, "speaker", id), "Speaker")),
            make("label", {}, "from ", time(line, "start")),
            make("label", {}, "to ", time(line, "end")),
          ),
      wordings.length && !isOut
        ? make(
            "div",
            { className: "wordings", aria: { role: "group", label: "Other wordings" } },
            make("span", { textContent: "Other wordings:" }),
            ...wordings.map((text) => button(text, () => draft.setLine(line, "text", text), { dir: "auto", lang: film.target.code })),
          )
        : "",
      line.note ? make("p", { className: "note", textContent: line.note }) : "",
      line.reason ? make("p", { className: "hint", textContent: line.reason }) : "",
    );
  };
  const choose = (id) => {
    if (chosen === id) return;
    rows.get(chosen)?.classList.remove("chosen");
    rows.get(chosen)?.removeAttribute("aria-selected");
    chosen = id;
    const row = rows.get(id);
    row.classList.add("chosen");
    row.setAttribute("aria-selected", "true");
    equip();
    row.append(tools);
    if (players.isPaused) players.go(lines.get(id).dub[0]);
    actions.chosen(id);
  };

  grid.addEventListener("click", (event) => {
    const cell = event.target.closest("[data-cell]");
    const row = event.target.closest(".row");
    if (!row || event.target.closest(".tools, textarea")) return;
    const id = row.dataset.line;
    const was = chosen === id;
    focus(id, cell?.dataset.cell ?? "text");
    if (cell && (was || matchMedia("(pointer: fine)").matches)) edit(id, cell.dataset.cell);
  });
  grid.addEventListener("keydown", (event) => {
    const at = event.target.closest("[data-cell]");
    if (!at || typing(event.target) || event.altKey || event.ctrlKey || event.metaKey) return;
    const id = at.closest(".row").dataset.line;
    const cell = at.dataset.cell;
    const n = CELLS.indexOf(cell);
    const act = {
      ArrowDown: () => step(id, cell, 1),
      ArrowUp: () => step(id, cell, -1),
      PageDown: () => step(id, cell, 10),
      PageUp: () => step(id, cell, -10),
      Home: () => step(id, cell, -Infinity),
      End: () => step(id, cell, Infinity),
      ArrowRight: () => focus(id, CELLS[Math.min(n + 1, 2)]),
      ArrowLeft: () => focus(id, CELLS[Math.max(n - 1, 0)]),
      Enter: () => (cell === "about" ? play(id, "dub") : edit(id, cell)),
      F2: () => edit(id, cell),
      " ": () => play(id, "dub"),
      o: () => play(id, "original"),
    }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
  search.oninput = filter.onchange = sift;

  return {
    show(job) {
      film = job;
      const same = rows.size === job.lines.length && job.lines.every((line) => rows.has(line.id));
      lines = new Map(job.lines.map((line) => [line.id, line]));
      if (!same) {
        chosen = null;
        tools.remove();
        rows = new Map(job.lines.map((line) => [line.id, newRow(line, job)]));
        grid.replaceChildren(newHeads(job), ...rows.values());
        const first = rows.values().next().value;
        if (first) first.children[2].tabIndex = 0;
      }
      this.refresh();
    },
    // All lines, or the one that changed; a speaker's change may show in any.
    refresh(changed) {
      for (const id of rows.has(changed) ? [changed] : rows.keys()) fill(id);
      if (chosen) redraw(tools, equip);
      sift();
    },
    choose(id) {
      if (rows.get(id)?.hidden) {
        search.value = filter.value = "";
        sift();
      }
      if (rows.has(id)) focus(id, "text");
    },
    // Marks the line that sounds.
    sound(time) {
      const id = [...lines.values()].find((line) => line.dub[0] <= time && time < line.dub[1])?.id ?? null;
      if (id === sounding) return;
      rows.get(sounding)?.classList.remove("sounding");
      rows.get(id)?.classList.add("sounding");
      sounding = id;
    },
    get chosen() {
      return lines.get(chosen) ?? null;
    },
  };
};
