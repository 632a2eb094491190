// From what into what: the server tells once what can be had together, the rest is found out here.
const of = (id) => element.querySelector(`#${id}`);

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

function show() {
  if (!props.value) return;
  const { sources, into, note } = JSON.parse(props.value);
  let told = note ?? "";
  if (sources) {
    fill(of("dk-source"), sources);
    const targets = into[of("dk-source").value];
    fill(of("dk-target"), targets);
    told = targets.find(([, code]) => code === of("dk-target").value)[2];
  }
  if (of("dk-pair").textContent !== told) of("dk-pair").textContent = told;
}

element.addEventListener("change", (event) => {
  event.target.dataset.wanted = "";
  show();
});
document.addEventListener("dk-spoken", (event) => {
  pick(of("dk-source"), event.detail);
  show();
});
watch("value", show);
show();
