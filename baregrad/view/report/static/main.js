function go(to) { now = Math.max(0, Math.min(D.records.length - 1, to)); update(); }
// While it plays, screen readers are not told of each moment.
function told(playing) {
  $("play").textContent = playing ? "❚❚ Pause" : "▶ Play";
  $("play").setAttribute("aria-pressed", String(playing));
  for (const id of ["flags", "panel"]) $(id).setAttribute("aria-live", playing ? "off" : "polite");
}
function stop() { clearInterval(timer); timer = null; told(false); }
function play() {
  if (timer) { stop(); return; }
  if (now === D.records.length - 1) go(0);
  told(true);
  timer = setInterval(() => { if (now >= D.records.length - 1) stop(); else go(now + 1); }, 120);
}
function zoomTo(name) {
  zoom = name;
  for (const box of document.querySelectorAll(".drawing")) {
    box.hidden = box.dataset.zoom !== name;
    box.scrollLeft = (box.scrollWidth - box.clientWidth) / 2;
  }
  $("neuron").hidden = name !== "neuron";
  chosen = S.views[name]?.find((node) => node.kind === "parameter") ?? null;
  update();
}
function controls() {
  $("slider").max = D.records.length - 1;
  $("player").hidden = D.records.length < 2;
  $("slider").addEventListener("input", () => { stop(); go(+$("slider").value); });
  $("play").addEventListener("click", play);
  document.addEventListener("keydown", (event) => {
    if (event.target.closest("input,select,textarea,.drawing svg,[role=region]") || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "ArrowRight") { stop(); go(now + 1); event.preventDefault(); }
    if (event.key === "ArrowLeft") { stop(); go(now - 1); event.preventDefault(); }
  });
  for (const element of document.querySelectorAll(".drawing .node")) {
    const pick = () => choose(S.views[zoom][element.dataset.node]);
    element.addEventListener("click", pick);
    element.addEventListener("keydown", (event) => { if (event.key === "Enter" || event.key === " ") { pick(); event.preventDefault(); } });
  }
  const zooms = S.layers.length ? ["modules", "tensors", "neuron"] : ["modules", "tensors"];
  zooms.forEach((name) => $("zooms").append(make("label", {}, make("input", { type: "radio", name: "zoom", value: name, onchange: () => zoomTo(name), ...(name === "tensors" ? { checked: "" } : {}) }), name === "neuron" ? "scalars of a neuron" : name)));
}
summary();
results();
history();
histograms();
backward();
controls();
zoomTo("tensors");
