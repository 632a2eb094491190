// Runs once, in the component that knows the address: ?job=ID shows a film, ?films the list, nothing the start.
const root = document.documentElement;
const views = { job: "dk-job", films: "dk-films", start: "dk-start" };

function viewOf(address) {
  const asked = new URLSearchParams(address);
  return asked.has("job") ? "job" : asked.has("films") ? "films" : "start";
}

function show(address, moved) {
  const view = viewOf(address);
  root.dataset.view = view;
  document.querySelector(".dk-skip").setAttribute("href", `#${views[view]}`);
  document.title = { job: "Film", films: "My films", start: "Dub a film" }[view] + " – dubkit";
  for (const link of document.querySelectorAll(".dk-nav a[data-go]")) {
    if (viewOf(new URL(link.href).search) === view && view !== "job") link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (moved) {
    window.scrollTo(0, 0);
    trigger("select", {});
  }
}

function go(address) {
  const target = new URL(address, location.href);
  history.pushState({}, "", target.pathname + target.search);
  show(target.search, true);
  refocus();
}

// The heading of a view comes from the server: wait for it, so that screen readers begin there.
function refocus() {
  const view = document.getElementById(views[root.dataset.view]);
  const focus = () => {
    const heading = view?.querySelector("h1");
    if (heading) heading.focus({ preventScroll: true });
    return heading;
  };
  const before = view?.querySelector("h1")?.textContent;
  const waiting = new MutationObserver(() => {
    if (view.querySelector("h1")?.textContent !== before && focus()) waiting.disconnect();
  });
  if (view) {
    waiting.observe(view, { childList: true, subtree: true, characterData: true });
    setTimeout(() => waiting.disconnect(), 3000);
    if (root.dataset.view === "start") focus();
  }
}

document.addEventListener("click", (event) => {
  if (event.target.closest(".dk-skip")) {
    event.preventDefault();
    document.getElementById(views[root.dataset.view])?.querySelector("h1")?.focus();
    return;
  }
  const link = event.target.closest("a[data-go]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  go(link.getAttribute("href"));
});
window.addEventListener("popstate", () => show(location.search, true));

// The server sends somebody on by setting the value; the same address may come twice.
watch("value", () => {
  if (!props.value) return;
  const address = props.value.split("#")[0];
  document.dispatchEvent(new CustomEvent("dk-submitted"));
  go(address);
});
show(location.search, false);
