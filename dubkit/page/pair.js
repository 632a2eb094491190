// From what into what: the server tells what can be had together, the browser knows what is chosen.
const source = element.querySelector("#dk-source");
const target = element.querySelector("#dk-target");
const told = element.querySelector("[role=status]");

// A list that is open stays as it is where nothing changes.
function fill(select, choices) {
  const offered = JSON.stringify(choices);
  if (select.dataset.offered === offered) return;
  const chosen = select.value || select.dataset.wanted || "";
  select.dataset.offered = offered;
  select.replaceChildren(...choices.map(([name, code]) => new Option(name, code)));
  pick(select, chosen);
}

function pick(select, code) {
  select.value = code;
  // It may be offered once the list is there.
  select.dataset.wanted = select.value === code ? "" : code;
  if (!select.value) select.value = "";
}

const tell = () => trigger("select", { source: source.value, target: target.value });

function show() {
  if (!props.value) return;
  const { sources, targets, note } = JSON.parse(props.value);
  if (sources) {
    const before = source.value + target.value;
    fill(source, sources);
    fill(target, targets);
    // What was told belongs to a pair that cannot be had.
    if (source.value + target.value !== before) tell();
  }
  if (told.textContent !== note) told.textContent = note;
}

element.addEventListener("change", (event) => {
  event.target.dataset.wanted = "";
  tell();
});
document.addEventListener("dk-spoken", (event) => {
  pick(source, event.detail);
  tell();
});
watch("value", show);
show();
