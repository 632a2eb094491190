// Makes every timeline on the page that is not yet so zoomable, readable by keyboard, and audible.
(() => {
  const STEPS = [1, 5, 10, 30, 60, 300, 600, 3600];
  const WIDEST = 400; // pixels per second
  const FIRST = 8; // pixels per second to begin with, unless the whole film has room for more
  const APART = 60; // pixels between two times on the axis

  const bring = (root) => {
    root.dataset.ready = "";
    const view = root.querySelector(".view");
    const picture = view.querySelector("svg");
    const told = root.querySelector(".told");
    const lines = [...root.querySelectorAll(".line")];
    const duration = Number(root.dataset.duration);
    let sound = null;
    let drag = null;

    const widen = (width, x = view.clientWidth / 2) => {
      const share = (view.scrollLeft + x) / picture.getBoundingClientRect().width;
      width = Math.min(Math.max(width, view.clientWidth), Math.max(view.clientWidth, duration * WIDEST));
      picture.style.width = `${width}px`;
      view.scrollLeft = share * width - x;
      const step = STEPS.find((seconds) => (seconds * width) / duration >= APART) ?? STEPS.at(-1);
      for (const tick of root.querySelectorAll(".tick")) {
        tick.setAttribute("display", Number(tick.dataset.step) >= step ? "inline" : "none");
      }
    };
    const zoom = (factor, x) => widen(picture.getBoundingClientRect().width * factor, x);

    const show = (line) => {
      told.textContent = line.dataset.told;
    };
    const stop = () => {
      sound?.pause();
      sound = null;
      root.querySelector(".playing")?.classList.remove("playing");
    };
    const play = (line) => {
      const again = line.classList.contains("playing");
      stop();
      if (again || !line.dataset.sound) return;
      sound = new Audio(line.dataset.sound);
      sound.onended = stop;
      line.classList.add("playing");
      sound.play().catch(stop);
    };
    const focus = (line) => {
      for (const other of lines) other.setAttribute("tabindex", other === line ? "0" : "-1");
      line.focus({ preventScroll: true });
      const seen = view.getBoundingClientRect();
      const at = line.getBoundingClientRect();
      if (at.left < seen.left || at.right > seen.right) view.scrollLeft += at.left - seen.left - seen.width / 3;
    };

    lines.forEach((line, n) => {
      const title = line.querySelector("title");
      line.dataset.told = title.textContent;
      title.remove(); // or the browser shows it a second time
      line.setAttribute("tabindex", n ? "-1" : "0");
      if (line.dataset.sound) line.setAttribute("role", "button");
    });
    root.addEventListener("pointerover", (event) => {
      const line = event.target.closest(".line");
      if (line) show(line);
    });
    root.addEventListener("focusin", (event) => {
      const line = event.target.closest(".line");
      if (line) show(line);
    });
    view.addEventListener("pointerdown", (event) => {
      drag = { x: event.clientX, left: view.scrollLeft, moved: false };
    });
    view.addEventListener("pointermove", (event) => {
      if (!drag || !event.buttons || event.pointerType !== "mouse") return;
      drag.moved ||= Math.abs(event.clientX - drag.x) > 4;
      if (drag.moved) view.scrollLeft = drag.left - (event.clientX - drag.x);
    });
    view.addEventListener("click", (event) => {
      const line = event.target.closest(".line");
      if (!line || drag?.moved) return;
      focus(line);
      play(line);
    });
    view.addEventListener(
      "wheel",
      (event) => {
        if (!event.ctrlKey) return; // the page scrolls
        event.preventDefault();
        zoom(event.deltaY < 0 ? 1.25 : 0.8, event.clientX - view.getBoundingClientRect().left);
      },
      { passive: false },
    );
    view.addEventListener("keydown", (event) => {
      const at = lines.indexOf(event.target.closest(".line"));
      const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: lines.length - 1 }[event.key];
      if (to !== undefined && lines[to]) focus(lines[to]);
      else if (event.key === "Enter" || event.key === " ") play(lines[at]);
      else if (event.key === "+") zoom(1.5);
      else if (event.key === "-") zoom(1 / 1.5);
      else return;
      event.preventDefault();
      event.stopPropagation(); // notebooks have keys of their own
    });
    const [nearer, farther, whole] = root.querySelectorAll("button");
    nearer.onclick = () => zoom(1.5);
    farther.onclick = () => zoom(1 / 1.5);
    whole.onclick = () => widen(0);
    for (const part of [root.querySelector(".controls"), told]) part.hidden = false;
    widen(duration * FIRST);
  };

  const all = () => document.querySelectorAll(".dubkit-timeline:not([data-ready])").forEach(bring);
  all();
  setTimeout(all, 500); // notebooks may run scripts before what they belong to is on the page
})();
