// Who speaks, and with which voice: names, kinds of voice, the same person found twice, and how a voice sounds.

const GENDERS = [["female", "female"], ["male", "male"], ["unknown", "not known"]];

const newSpeakers = (root, draft, actions) => {
  const panel = root.querySelector("[data-panel=speakers]");
  const sound = make("video", { playsInline: true, controls: true, className: "audition", aria: { label: "The voice, in the film" } });
  let film = null;
  let turn = 0;

  const now = (speaker, field) => draft.speaker(speaker, field);
  // The voice follows what kind of voice somebody has, unless it was chosen.
  const options = (speaker) => {
    const gender = now(speaker, "gender");
    const first = film.voices.filter((voice) => voice.gender === gender);
    const others = film.voices.filter((voice) => voice.gender !== gender);
    return [...first, ...others].map((voice) => [voice.id, voice.name, voice.gender]);
  };
  const voiceOf = (speaker) => {
    const chosen = draft.speakers[speaker.id]?.voice;
    if (chosen) return chosen;
    const follows = now(speaker, "gender") !== speaker.gender;
    return follows ? "" : speaker.voice;
  };
  const hear = async (speaker, at) => {
    const mine = ++turn;
    const voice = at.querySelector(".voice select").value;
    const told = at.querySelector(".heard");
    if (!voice) {
      told.textContent = "Choose a voice first.";
      return;
    }
    told.textContent = "Speaking …";
    try {
      const url = await actions.audition(speaker.id, voice, (text) => mine === turn && (told.textContent = text));
      if (mine !== turn) return;
      told.textContent = "";
      sound.src = url;
      told.after(sound);
      actions.quiet();
      await sound.play().catch(() => {});
    } catch (error) {
      if (mine === turn) told.textContent = error.message;
    }
  };
  const card = (speaker) => {
    const others = film.speakers.filter((other) => other.id !== speaker.id && !now(other, "merge_into"));
    const merged = now(speaker, "merge_into") ?? "";
    const voice = voiceOf(speaker);
    const voices = options(speaker);
    const isChanged = draft.has(speaker.id) || speaker.corrected;
    const name = make("input", {
      type: "text",
      className: "name",
      value: now(speaker, "name"),
      maxLength: 60,
      aria: { label: "Name" },
      onchange: (event) => draft.setSpeaker(speaker, "name", event.target.value.trim() || speaker.name),
    });
    const at = make("section", { className: "speaker", dataset: { speaker: speaker.id }, aria: { label: now(speaker, "name") } });
    at.style.setProperty("--ink", actions.speaker(speaker.id).ink);
    const heard = make("p", { className: "heard", aria: { role: "status", live: "polite" } });
    const all = [speaker, ...film.speakers.filter((other) => now(other, "merge_into") === speaker.id)];
    const lines = film.lines.filter((line) => all.some((one) => one.id === draft.line(line, "speaker"))).length;
    const speech = all.reduce((sum, one) => sum + one.seconds, 0);
    const said = merged ? "" : `${counted(lines, "line")}, ${clock(speech)} of speech`;
    at.append(
      make("div", { className: "strip" }, name, make("span", { className: "hint", textContent: said })),
    );
    if (!merged) {
      at.append(
        make(
          "div",
          { className: "strip" },
          make("label", {}, "Heard as ", choice(GENDERS, now(speaker, "gender"), (value) => draft.setSpeaker(speaker, "gender", value), "Heard as")),
          make(
            "label",
            { className: "voice" },
            "Voice ",
            choice(voice ? voices : [["", "chosen when dubbing"], ...voices], voice, (value) => draft.setSpeaker(speaker, "voice", value || undefined), "Voice"),
          ),
          button("▶ Hear", () => hear(speaker, at), { className: "hear-voice", aria: { label: `Hear the voice of ${now(speaker, "name")}` } }),
        ),
        heard,
      );
    }
    const same = [["", "nobody else"], ...others.map((other) => [other.id, now(other, "name")])];
    at.append(
      make(
        "div",
        { className: "strip" },
        others.length
          ? make("label", {}, "Same person as ", choice(same, merged, (id) => draft.setSpeaker(speaker, "merge_into", id || (speaker.merge_into ? null : undefined)), "Same person as"))
          : "",
        isChanged ? button("Undo", () => (draft.has(speaker.id) ? draft.undo(speaker.id) : actions.reset(speaker.id)), { className: "undo" }) : "",
        draft.has(speaker.id) ? make("span", { className: "mark", textContent: "not saved" }) : "",
        !draft.has(speaker.id) && speaker.pending.length ? make("span", { className: "mark", textContent: "to be dubbed" }) : "",
      ),
    );
    return at;
  };

  return {
    show(job) {
      film = job;
      this.refresh();
    },
    refresh() {
      redraw(panel, () => {
        turn += 1;
        sound.pause();
        const nobody = make("p", { className: "empty", textContent: "Nobody speaks in this film." });
        panel.replaceChildren(...(film.speakers.length ? film.speakers.map(card) : [nobody]));
      });
    },
  };
};
