// The original and the dub, played as one: both pictures run, one of them is heard.

const NEAR = 0.15; // seconds that the two pictures may be apart

const newPlayers = (root, told) => {
  const part = (name) => root.querySelector(name);
  const original = part(".original video");
  const dub = part(".dub video");
  const play = part(".play");
  const seek = part(".seek");
  const radios = [...root.querySelectorAll(".hear input")];
  const subtitles = part("select.subtitles");
  const listeners = [];
  let film = null; // the original's address, and where in it the dub begins
  let knots = []; // pairs of times in the film and in the dub
  let whole = null; // the dub's address
  let clip = null; // the stretch of the dub that is shown in its place
  let heard = "dub";
  let until = null; // where to stop, and what to hear from then on
  let renewed = 0;

  const hasOriginal = () => film !== null;
  const first = () => clip?.start ?? 0;
  const now = () => dub.currentTime + first();
  const duration = () => dub.duration || 0;
  // Where the picture was slowed down, a time of the dub is another one of the film.
  const inFilm = (time) => {
    const n = clip ? -1 : knots.findIndex(([, dubbed]) => time < dubbed);
    if (n < 1) return time;
    const [[from, first], [to, last]] = [knots[n - 1], knots[n]];
    return from + ((time - first) / (last - first)) * (to - from);
  };
  const follow = (closely = false) => {
    const wanted = inFilm(now()) + (film?.start ?? 0);
    if (hasOriginal() && (closely || Math.abs(original.currentTime - wanted) > NEAR)) original.currentTime = wanted;
  };
  const hear = (which) => {
    heard = which === "original" && hasOriginal() ? "original" : "dub";
    original.muted = heard !== "original";
    dub.muted = heard !== "dub";
    root.dataset.heard = heard;
    for (const radio of radios) radio.checked = radio.value === heard;
  };
  const show = () => {
    const at = dub.currentTime;
    seek.value = at;
    seek.setAttribute("aria-valuetext", clock(now()));
    part(".clock").textContent = `${clock(at)} / ${clock(duration())}`;
    for (const listener of listeners) listener(now(), !dub.paused);
  };
  const stop = () => dub.pause();
  const start = async () => {
    try {
      follow(true);
      await dub.play();
    } catch (error) {
      if (error.name !== "AbortError") told("The film cannot be played here. Download it instead.");
    }
  };
  const done = () => {
    if (!until) return;
    const before = until.heard;
    until = null;
    hear(before);
  };
  const source = (address) => {
    dub.src = address;
    dub.load();
  };
  const showTracks = () => {
    const wanted = subtitles.value.split(" ");
    [...dub.textTracks].forEach((track, n) => {
      track.mode = !clip && wanted.includes(String(n)) ? "showing" : "hidden";
    });
  };

  const showBoth = (both) => {
    part(".beside").hidden = film === null;
    part(".beside").setAttribute("aria-pressed", both);
    part(".screens").classList.toggle("both", both);
  };

  dub.addEventListener("play", () => {
    if (hasOriginal()) original.play().catch(() => {});
    play.textContent = "❚❚";
    play.setAttribute("aria-label", "Stop");
  });
  // Another film in its place stops it without a word of a pause.
  for (const end of ["pause", "emptied"]) {
    dub.addEventListener(end, () => {
      original.pause();
      play.textContent = "▶";
      play.setAttribute("aria-label", "Play");
    });
  }
  dub.addEventListener("ended", done);
  dub.addEventListener("loadedmetadata", () => {
    seek.max = duration();
    show();
  });
  dub.addEventListener("seeked", () => follow(dub.paused));
  dub.addEventListener("timeupdate", () => {
    follow();
    show();
  });
  const without = (why) => {
    part(".lacking").textContent = why;
    part(".lacking").hidden = !why;
    if (!why) return;
    film = null;
    showBoth(false);
    for (const radio of radios) radio.disabled = radio.value === "original";
    hear("dub");
  };
  const unplayable = () => {
    if (film && original.getAttribute("src")) without(`This browser cannot play the original (${film.kind}): only the dub is shown.`);
  };
  original.addEventListener("error", unplayable);
  // Of some films a browser plays the sound alone.
  original.addEventListener("loadedmetadata", () => original.videoWidth || unplayable());
  setInterval(() => {
    if (until && !dub.paused && now() >= until.end) {
      stop();
      done();
    }
  }, 30);
  play.onclick = () => (dub.paused ? start() : stop());
  seek.oninput = () => {
    done();
    dub.currentTime = Number(seek.value);
  };
  for (const radio of radios) {
    radio.name = "hear";
    radio.onchange = () => {
      until = null;
      hear(radio.value);
    };
  }
  part(".volume").oninput = (event) => {
    original.volume = dub.volume = Number(event.target.value);
  };
  part(".full").onclick = () => part(`.${heard}`).requestFullscreen?.();
  part(".beside").onclick = () => showBoth(!part(".screens").classList.contains("both"));
  part(".full").hidden = !document.fullscreenEnabled;
  subtitles.onchange = showTracks;
  part(".whole").onclick = () => players.showWhole();
  for (const video of [original, dub]) video.onclick = () => play.onclick();

  const players = {
    // The dub of another film begins at its start; a new dub of the same where one was.
    open(job, isOther) {
      const at = isOther ? 0 : now();
      clip = null;
      until = null;
      part(".clip").hidden = true;
      film = job.film;
      without(film ? "" : "The original is no longer kept: only the dub is shown.");
      knots = job.knots;
      whole = job.video;
      showBoth(Boolean(film));
      for (const radio of radios) radio.disabled = radio.value === "original" && !film;
      if (film) original.src = film.url;
      else original.removeAttribute("src");
      dub.poster = original.poster = job.poster;
      dub.replaceChildren(
        ...job.tracks.map((track) =>
          make("track", { kind: "subtitles", label: track.label, srclang: track.language, src: track.url }),
        ),
      );
      const names = job.tracks.map((track, n) => [String(n), track.label]);
      const both = names.length > 1 ? [["0 1", `${names[0][1]} and ${names[1][1]}`]] : [];
      subtitles.replaceChildren(
        ...[["", "No subtitles"], ...names, ...(names.length === 2 ? both : [])].map(([value, text]) =>
          make("option", { value, textContent: text }),
        ),
      );
      source(whole);
      dub.currentTime = at;
      showTracks();
      hear("dub");
    },
    // Addresses run out: the same files at new ones.
    renew(job) {
      const at = dub.currentTime;
      const played = !dub.paused;
      whole = job.video;
      film = job.film;
      [...dub.querySelectorAll("track")].forEach((track, n) => job.tracks[n] && (track.src = job.tracks[n].url));
      if (film) original.src = film.url;
      if (clip) return;
      source(whole);
      dub.currentTime = at;
      if (played) start();
    },
    onBroken(renew) {
      dub.addEventListener("error", () => {
        if (!dub.getAttribute("src")) return;
        if (Date.now() - renewed < 60000) return told("The film cannot be played here. Download it instead.");
        renewed = Date.now();
        renew();
      });
    },
    onTime: (listener) => listeners.push(listener),
    toggle: () => play.onclick(),
    switchSound: () => {
      until = null;
      hear(heard === "dub" ? "original" : "dub");
    },
    go(time) {
      if (clip && (time < clip.start || time > clip.end)) players.showWhole();
      done();
      dub.currentTime = Math.max(0, time - first());
    },
    // Plays one line, in the original or the dub, and hears afterwards what was heard before.
    playLine(which, from, to) {
      const same = until?.from === from && until.which === which && !dub.paused;
      stop();
      players.go(from);
      if (same) return;
      until = { which, from, end: to, heard };
      hear(which);
      start();
    },
    showClip(address, from, to) {
      stop();
      until = null;
      clip = { start: from, end: to };
      source(address);
      showTracks();
      hear("dub");
      part(".clip-told").textContent = `Preview of ${clock(from)} to ${clock(to)}, with your changes`;
      part(".clip").hidden = false;
      start();
    },
    showWhole() {
      if (!clip) return;
      const at = now();
      clip = null;
      part(".clip").hidden = true;
      source(whole);
      showTracks();
      dub.currentTime = at;
    },
    stop,
    get now() {
      return now();
    },
    get isPaused() {
      return dub.paused;
    },
    get hasOriginal() {
      return hasOriginal();
    },
  };
  return players;
};
