// The lines over time, drawn by the server (dubkit.timeline): a line is found by it, and what sounds is seen on it.

const newTimeline = (root, find) => {
  const whole = root.querySelector(".over-time");
  const holder = root.querySelector(".drawn");
  let now = null; // the place that is played

  const found = (event) => {
    const line = event.target.closest(".line");
    if (line) find(line.dataset.line);
  };
  holder.addEventListener("click", found);
  // The time line keeps keys to itself, so that this comes first.
  holder.addEventListener("keydown", (event) => event.key === "Enter" && found(event), true);

  return {
    // `drawn` is empty where there is nothing to draw, or too much.
    draw(drawn, n) {
      whole.hidden = !n;
      now = null;
      // Made and escaped by the server.
      holder.innerHTML = drawn;
      if (!drawn) {
        const told = `${n} lines are too many to be drawn over time. Search them, or have just those shown that are to be checked.`;
        holder.replaceChildren(make("p", { className: "hint", textContent: told }));
        return;
      }
      // It is laid out by its width, which it has once the page shows it.
      const shown = new ResizeObserver(() => {
        if (!holder.clientWidth) return;
        shown.disconnect();
        bringTimelines();
        now = document.createElementNS("http://www.w3.org/2000/svg", "line");
        now.setAttribute("class", "now");
        now.setAttribute("y2", "100%");
        holder.querySelector(".view > svg").append(now);
      });
      shown.observe(holder);
    },
    mark(id) {
      holder.querySelector(".line.chosen")?.classList.remove("chosen");
      holder.querySelector(`.line[data-line="${CSS.escape(id)}"]`)?.classList.add("chosen");
    },
    go(time, isPlayed) {
      if (!now) return;
      const share = time / Number(holder.querySelector(".dubkit-timeline").dataset.duration);
      for (const end of ["x1", "x2"]) now.setAttribute(end, `${100 * share}%`);
      const view = holder.querySelector(".view");
      const x = share * view.scrollWidth - view.scrollLeft;
      if (isPlayed && (x < 0 || x > view.clientWidth)) view.scrollLeft += x - view.clientWidth / 4;
    },
  };
};
