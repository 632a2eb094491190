// Chooses a film: a file, which is sent at once in parts and goes on after a broken line, or a sample.
const PART = 4 * 1024 * 1024;
const PATIENCE = [500, 1000, 2000, 4000, 8000, 16000, 30000];
const find = (name) => element.querySelector(`[data-part=${name}]`);
const box = element.querySelector("[data-max]");
const input = find("file");
let sending = null;

const megabytes = (n) => (n < 1e7 ? (n / 1e6).toFixed(1) : Math.round(n / 1e6)) + " MB";

// Handlers read the film from the box: see CHOSEN in start.py; any choice takes an old refusal away.
function tell(film) {
  box.dataset.film = film ? JSON.stringify(film) : "";
  trigger("select", film || {});
}

function show(state, facts = {}) {
  box.dataset.state = state;
  for (const [part, text] of Object.entries(facts)) find(part).textContent = text;
}

function refuse(message) {
  show("empty", { problem: message });
  input.value = "";
  tell(null);
}

function progress(share, note) {
  const percent = Math.floor(share * 100);
  find("bar").setAttribute("aria-valuenow", percent);
  find("bar").firstElementChild.style.width = `${percent}%`;
  find("about").textContent = note;
}

function ask(method, address, body, headers = {}, watchSent = null) {
  return new Promise((answer, fail) => {
    const request = new XMLHttpRequest();
    request.open(method, new URL(address, document.baseURI));
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.responseType = "json";
    if (watchSent) request.upload.onprogress = (event) => watchSent(event.loaded);
    request.onload = () => answer({ status: request.status, told: request.response || {} });
    request.onerror = () => fail(new Error("line"));
    request.send(body);
    if (sending) sending.request = request;
  });
}

const wait = (ms) => new Promise((wake) => setTimeout(wake, ms));

async function send(file) {
  const mine = { request: null, id: null };
  sending = mine;
  const stopped = () => sending !== mine;
  box.dataset.film = "";
  show("sending", { name: file.name, problem: "" });
  progress(0, `0 of ${megabytes(file.size)}`);
  let offset = 0;
  let failures = 0;
  while (!stopped()) {
    try {
      if (!mine.id) {
        const begun = await ask("POST", "page/uploads", JSON.stringify({ name: file.name, size: file.size }),
          { "Content-Type": "application/json" });
        if (stopped()) return;
        if (begun.status >= 500 && begun.status !== 507) throw new Error("line");
        if (begun.status >= 400) return refuse(begun.told.detail || "The film was not taken.");
        mine.id = begun.told.id;
      } else if (failures) {
        const known = await ask("GET", `page/uploads/${mine.id}`);
        if (known.status === 200) offset = known.told.offset;
        else if (known.status >= 500) throw new Error("line");
        else return refuse(known.told.detail || "The film was not taken.");
      }
      while (offset < file.size) {
        const from = offset;
        const part = await ask("PATCH", `page/uploads/${mine.id}?offset=${from}`, file.slice(from, from + PART),
          { "Content-Type": "application/offset+octet-stream" },
          (sent) => progress((from + sent) / file.size, `${megabytes(from + sent)} of ${megabytes(file.size)}`));
        if (stopped()) return;
        if (part.status === 409 || part.status === 423 || (part.status >= 500 && part.status !== 507)) throw new Error("line");
        if (part.status >= 400) return refuse(part.told.detail || "The film was not taken.");
        offset = part.told.offset;
        failures = 0;
      }
      progress(1, megabytes(file.size));
      show("chosen", { title: file.name, size: megabytes(file.size) });
      tell({ upload: mine.id });
      find("other").focus();
      return;
    } catch {
      if (stopped()) return;
      if (failures >= PATIENCE.length) return refuse("The connection broke off. Choose the film again to try once more.");
      find("about").textContent = `No connection: trying again. ${megabytes(offset)} of ${megabytes(file.size)} are there.`;
      await wait(PATIENCE[failures]);
      failures += 1;
    }
  }
}

function choose(file) {
  if (!file) return;
  const ending = file.name.includes(".") ? file.name.split(".").pop().toLowerCase() : "";
  const endings = box.dataset.endings.split(" ");
  if (!endings.includes(ending)) {
    const given = ending ? `A .${ending} file` : "A file without an ending";
    return refuse(`${given} is not taken. Choose one of these: ${endings.join(", ").toUpperCase()}.`);
  }
  if (!file.size) return refuse("This file is empty. Choose another.");
  const most = Number(box.dataset.max);
  if (file.size > most) {
    return refuse(`This film has ${megabytes(file.size)}; at most ${box.dataset.most} are taken. Choose a shorter or smaller one.`);
  }
  send(file);
}

function clear() {
  const left = sending;
  sending = null;
  left?.request?.abort();
  input.value = "";
  show("empty", { problem: "" });
  box.dataset.film = "";
  return left;
}

input.addEventListener("change", () => choose(input.files[0]));
for (const name of ["dragenter", "dragover"]) {
  box.addEventListener(name, (event) => { event.preventDefault(); box.classList.add("over"); });
}
for (const name of ["dragleave", "drop"]) box.addEventListener(name, () => box.classList.remove("over"));
box.addEventListener("drop", (event) => { event.preventDefault(); choose(event.dataTransfer.files[0]); });
// A film that is dropped beside the box would leave the page and lose everything on it.
for (const name of ["dragover", "drop"]) window.addEventListener(name, (event) => event.preventDefault());

element.addEventListener("click", (event) => {
  const sample = event.target.closest("[data-sample]");
  if (sample) {
    clear();
    show("chosen", { title: sample.dataset.title, size: sample.dataset.about });
    tell({ sample: sample.dataset.sample });
    document.dispatchEvent(new CustomEvent("dk-spoken", { detail: sample.dataset.language }));
    find("other").focus();
  }
  if (event.target.closest("[data-part=other], [data-part=stop]")) {
    const left = clear();
    if (left?.id) ask("DELETE", `page/uploads/${left.id}`).catch(() => {});
    tell(null);
    input.focus();
  }
});
document.addEventListener("dk-submitted", clear);
window.addEventListener("beforeunload", (event) => box.dataset.state === "sending" && event.preventDefault());
