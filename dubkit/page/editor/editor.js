// The editor as a whole: what is asked of the server, what is saved, and what is shown when.

const EVERY = 1000; // milliseconds between two questions how far a dub is
const REVOICED = ["gender", "voice", "merge_into"]; // what makes a speaker's lines sound another way
const REHEARD = ["merge_into", "speaker", "source_text", "start", "end"]; // what changes who speaks, or what was said
const SURE = [0.8, 2.5]; // a line takes one try or several until it fits: between these shares of what is usual

const editFilm = (element, trigger, props, watch) => {
  const root = element.querySelector(".editor");
  const part = (name) => root.querySelector(name);
  const asking = newAsking(trigger);
  let film = null; // what the server told of the job that is open
  let busy = false;
  let links = null;

  const ask = (what, fields = {}) => asking.ask({ what, job: film.job.id, ...fields });
  const pause = (time) => new Promise((resolve) => setTimeout(resolve, time));
  const tell = (text, kind = "") => {
    part(".notice").textContent = text;
    part(".notice").dataset.kind = kind;
    part(".notice").hidden = !text;
    if (film) bar();
  };
  const fail = (error) => tell(error.message, "error");
  const sure = (text) =>
    new Promise((resolve) => {
      const question = part(".question");
      part(".question p").textContent = text;
      question.returnValue = "no";
      question.onclose = () => resolve(question.returnValue === "yes");
      question.showModal();
    });
  const speaker = (id) => {
    const n = film.speakers.findIndex((one) => one.id === id);
    const one = film.speakers[n];
    return { id, name: one ? draft.speaker(one, "name") : id, ink: INKS[Math.max(n, 0) % INKS.length] };
  };
  const changed = (id) => {
    tell("");
    lines.refresh(id);
    speakers.refresh();
    bar();
  };
  const draft = newDraft((id) => film && changed(id));
  const players = newPlayers(root, (text) => tell(text, "error"));
  const actions = {
    save: () => save().catch(fail),
    reset: (id) => save({ reset: [id] }).catch(fail),
    preview: (start, end) => preview(start, end),
    chosen: (id) => timeline.mark(id),
    quiet: () => players.stop(),
    tell,
    speaker,
    speakers: () => film.speakers.filter((one) => !draft.speaker(one, "merge_into")).map((one) => speaker(one.id)),
    audition: async (of, voice, told) => {
      const made = await ready(await ask("audition", { speaker: of, voice }), told);
      return made.url;
    },
  };
  const lines = newLines(root, draft, players, actions);
  const speakers = newSpeakers(root, draft, actions);
  const timeline = newTimeline(root, (id) => {
    choose(part("[data-tab=lines]"));
    players.go(film.lines.find((line) => line.id === id)?.dub[0] ?? 0);
    lines.choose(id);
  });

  // What dubbing again would do, and how long that takes.
  const toDub = () => {
    const differs = (one, field) => one.pending.includes(field) || draft.isChanged(one.id, field);
    const sounds = (one) => REVOICED.some((field) => differs(one, field));
    const revoiced = new Set(film.speakers.filter(sounds).map((one) => one.id));
    const anew = film.lines.filter((line) => line.pending.length || draft.has(line.id) || revoiced.has(draft.line(line, "speaker")));
    const length = anew.reduce((sum, line) => sum + line.end - line.start, 0);
    const isHeard = REHEARD.some((field) => [...film.lines, ...film.speakers].some((one) => differs(one, field)));
    const { once, heard, per_second } = film.work;
    return { n: anew.length, time: span(...SURE.map((share) => once + (isHeard ? heard : 0) + share * per_second * length)) };
  };
  const bar = () => {
    const { n, time } = toDub();
    const isEdited = film.job.edited || draft.count > 0;
    const parts = [];
    if (draft.count) parts.push(`${counted(draft.count, "change")} not saved`);
    if (isEdited) parts.push(n ? `${counted(n, "line")} to dub again, ${time}` : `to be put into the film, ${time}`);
    part(".bar-told").textContent = busy ? "" : parts.join(" · ") || "The dub has all changes.";
    root.toggleAttribute("data-idle", !isEdited && !busy && part(".notice").hidden);
    part(".save").disabled = !draft.count || busy;
    part(".again").disabled = !isEdited || busy;
    part(".undo-all").disabled = busy || !(draft.count || [...film.lines, ...film.speakers].some((one) => one.corrected));
  };
  const working = (isBusy, told = "", percent = null) => {
    busy = isBusy;
    part(".busy").hidden = !isBusy;
    if (part(".busy-told").textContent !== told) part(".busy-told").textContent = told;
    if (percent === null) part("progress").removeAttribute("value");
    else part("progress").value = percent;
    bar();
  };

  const take = (reply) => {
    Object.assign(film, reply);
    lines.show(film);
    speakers.show(film);
    bar();
  };
  const save = async (more = {}) => {
    const sent = draft.changes();
    if (!draft.count && !more.reset) return;
    const changes = { ...sent, ...more };
    tell("Saving …");
    try {
      const reply = await ask("save", { changes, revision: film.job.revision });
      Object.assign(film, reply);
      draft.saved(sent);
      take(reply);
      tell("Saved.");
    } catch (error) {
      if (!error.isConflict) throw error;
      // Somebody else, or another window, was faster: what is typed here is kept, and seen beside theirs.
      open(await ask("open"));
      if (film.job.status === "queued" || film.job.status === "running") throw error;
      throw new Error("This film was changed in another window meanwhile. Your changes are kept: look at them beside those, and save again.");
    }
  };
  // Waits for a preview; tells how far it is.
  const ready = async (made, told) => {
    while (!made.url) {
      if (made.status === "failed" || made.status === "cancelled") throw new Error(made.told || "It was stopped.");
      told(made.told ?? "Starting");
      await pause(EVERY);
      made = await asking.ask({ what: "status", job: made.job });
    }
    return made;
  };
  const preview = async (start, end) => {
    try {
      part(".from").value = clock(start, 1);
      part(".to").value = clock(end, 1);
      await save();
      const made = await ready(await ask("preview", { start, end }), (text) => tell(`Preview: ${text}`, "busy"));
      tell("");
      players.showClip(made.url, ...made.shown);
    } catch (error) {
      fail(error);
    }
  };
  const follow = async (id) => {
    let now = await asking.ask({ what: "status", job: id });
    while (now.status === "queued" || now.status === "running") {
      if (film?.job.id !== id) return;
      working(true, `Dubbing again: ${now.told ?? ""}`, now.status === "running" ? now.percent : null);
      await pause(EVERY);
      now = await asking.ask({ what: "status", job: id });
    }
    if (film?.job.id !== id) return;
    open(await ask("open"));
    if (now.status === "completed") tell("The film is dubbed again.");
    else tell(now.told || "Stopped. The dub is as it was before.", now.status === "failed" ? "error" : "");
  };
  const again = async () => {
    try {
      await save();
      const { n, time } = toDub();
      working(true, `Dubbing again: ${counted(n, "line")}, ${time}`);
      tell("");
      await ask("again");
      await follow(film.job.id);
    } catch (error) {
      working(false);
      fail(error);
    }
  };
  const undoAll = async () => {
    if (draft.count) {
      if (await sure(`Undo ${counted(draft.count, "change")} that ${draft.count === 1 ? "is" : "are"} not saved?`)) draft.clear();
    } else if (await sure("Undo all corrections ever made to this film?")) await actions.reset("all");
  };

  const offer = () => {
    const whole = button("Everything in one file (ZIP)", async () => {
      try {
        const made = await ask("archive");
        make("a", { href: made.url, download: made.name }).click();
      } catch (error) {
        fail(error);
      }
    });
    const note = film.job.edited ? "These are of the dub as it is, without the changes that are not dubbed yet." : "";
    part("[data-panel=downloads]").replaceChildren(
      make("p", { className: "hint", textContent: note, hidden: !note }),
      make(
        "ul",
        { className: "files" },
        ...film.files.map((file) =>
          make("li", {}, make("a", { href: file.url, download: file.name, textContent: file.title }), make("span", { textContent: file.told })),
        ),
      ),
      whole,
    );
    clearTimeout(links);
    links = setTimeout(() => renew().catch(() => {}), Math.max(30000, film.expires * 1000 - Date.now() - 120000));
  };
  const renew = async () => {
    Object.assign(film, await ask("links"));
    offer();
    return film;
  };
  const open = (reply) => {
    const isOther = film?.job.id !== reply.job.id;
    film = reply;
    root.hidden = false;
    for (const whole of [".halves", ".bar"]) part(whole).hidden = false;
    const known = { lines: new Set(film.lines.map((line) => line.id)), speakers: new Set(film.speakers.map((one) => one.id)) };
    const isKept = draft.open(film.job.id, known);
    part(".original .language").textContent = `Original, ${film.source.name}`;
    part(".dub .language").textContent = `Dub, ${film.target.name}`;
    if (isOther) choose(part("[data-tab=lines]"));
    players.open(film, isOther);
    take(reply);
    timeline.draw(film.drawn, film.lines.length);
    offer();
    working(false);
    if (isOther) tell(isKept ? `${counted(draft.count, "change")} from before ${draft.count === 1 ? "is" : "are"} still here, not saved yet.` : "");
    if (isOther && (film.job.status === "queued" || film.job.status === "running")) follow(film.job.id).catch(fail);
  };
  // There is nothing to edit: just the reason is shown.
  const refuse = (reason) => {
    close();
    for (const whole of [".halves", ".bar"]) part(whole).hidden = true;
    tell(reason, "error");
    root.hidden = false;
  };
  const close = () => {
    players.stop();
    clearTimeout(links);
    root.hidden = true;
    film = null;
  };
  const choose = (tab) => {
    for (const other of root.querySelectorAll("[role=tab]")) {
      other.setAttribute("aria-selected", String(other === tab));
      other.tabIndex = other === tab ? 0 : -1;
    }
    for (const panel of root.querySelectorAll("[role=tabpanel]")) panel.hidden = panel.dataset.panel !== tab.dataset.tab;
  };

  players.onTime((time, isPlayed) => {
    if (!film) return;
    lines.sound(time);
    timeline.go(time, isPlayed);
  });
  players.onBroken(() => renew().then((now) => players.renew(now), fail));
  part(".save").onclick = actions.save;
  part(".again").onclick = again;
  part(".stop").onclick = () => ask("stop").catch(fail);
  part(".undo-all").onclick = undoAll;
  part(".around").onclick = () => {
    const line = lines.chosen;
    part(".from").value = clock(Math.max(0, (line?.start ?? players.now) - 2), 1);
    part(".to").value = clock(Math.min(film.duration, (line?.end ?? players.now + 6) + 2), 1);
  };
  part(".range").onsubmit = (event) => {
    event.preventDefault();
    const [from, to] = [seconds(part(".from").value), seconds(part(".to").value)];
    if (!(from < to && to <= film.duration + 0.1)) return tell(`Give times from 0:00 to ${clock(film.duration, 1)}, the earlier one first.`, "error");
    if (to - from > 120) return tell("A preview lasts two minutes at most.", "error");
    return preview(from, Math.min(to, film.duration));
  };
  part(".tabs").onclick = (event) => event.target.role === "tab" && choose(event.target);
  part(".tabs").onkeydown = (event) => {
    const tabs = [...root.querySelectorAll("[role=tab]")];
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by) return;
    const next = tabs.at((tabs.indexOf(event.target) + by) % tabs.length);
    choose(next);
    next.focus();
  };
  root.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      actions.save();
    } else if (!typing(event.target) && !event.ctrlKey && !event.metaKey && !event.altKey) {
      const act = { k: players.toggle, s: players.switchSound }[event.key.toLowerCase()];
      if (act) act();
    }
  });
  window.addEventListener("beforeunload", (event) => film && draft.count && event.preventDefault());

  const hear = () => {
    const reply = props.value ? JSON.parse(props.value) : null;
    if (!reply) return;
    if (reply.n) asking.answered(reply);
    else if (reply.close) close();
    else if (reply.error) refuse(reply.error);
    else open(reply);
  };
  watch("value", hear);
  hear();
};
