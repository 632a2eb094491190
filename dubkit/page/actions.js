// Buttons with data-do tell the page what to do with which job; those with data-ask ask first.
function asked(button) {
  return new Promise((answer) => {
    const dialog = document.createElement("dialog");
    dialog.className = "dk-dialog";
    dialog.setAttribute("aria-labelledby", "dk-question");
    const title = dialog.appendChild(document.createElement("h2"));
    title.id = "dk-question";
    title.textContent = button.dataset.ask;
    dialog.appendChild(document.createElement("p")).textContent = button.dataset.because;
    const row = dialog.appendChild(document.createElement("div"));
    row.className = "dk-actions";
    const add = (label, style, value) => {
      const choice = row.appendChild(document.createElement("button"));
      choice.className = `dk-button ${style}`;
      choice.textContent = label;
      choice.addEventListener("click", () => dialog.close(value));
      return choice;
    };
    add(button.dataset.yes, "danger solid", "yes");
    const no = add("Cancel", "", "");
    dialog.addEventListener("close", () => {
      dialog.remove();
      if (button.isConnected) button.focus();
      answer(dialog.returnValue === "yes");
    });
    document.body.appendChild(dialog);
    dialog.showModal();
    no.focus();
  });
}

async function copied(button) {
  const address = new URL(`./?job=${button.dataset.job}`, document.baseURI).href;
  try {
    await navigator.clipboard.writeText(address);
    button.textContent = "Link copied";
  } catch {
    window.prompt("Copy this link:", address);
  }
  setTimeout(() => { button.textContent = "Copy link"; }, 2500);
}

element.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-do]");
  if (!button) return;
  const { do: act, job } = button.dataset;
  if (act === "copy") return copied(button);
  if (button.dataset.ask && !(await asked(button))) return;
  trigger("select", { act, job });
});
