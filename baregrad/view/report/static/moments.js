const S = D.structure;
let now = D.records.length - 1, zoom = "modules", chosen = null, timer = null;
const pairOf = (place) => D.records[now].tensors[place] || [null, null];
const rms = (s, size) => s && s[NORM] !== null ? Math.hypot(s[MEAN] ?? 0, s[STD] ?? 0) : null;
const sizes = finite(D.records.flatMap((r) => Object.values(r.tensors).map((p) => rms(p[1])))).filter((v) => v > 0);
const strongest = Math.max(...sizes, 1e-12);
const heat = (v) => v ? Math.max(0, 1 + Math.log10(v / strongest) / 5) : 0;
const brief = (s) => !s ? "" : s[MEAN] === null ? "not finite" : s[STD] === 0 ? show(s[MEAN]) : `${show(+s[MEAN].toPrecision(2))} ± ${show(+s[STD].toPrecision(2))}`;
const warningsAt = (node) => D.records[now].flags.filter(([place]) => place === node.at || node.inside.includes(place)).map(([, words]) => words);

function update() {
  const record = D.records[now];
  $("slider").value = now;
  const words = `step ${record.step.toLocaleString("en")}, epoch ${record.epoch + (record.step ? 1 : 0)}: loss ${show(record.loss)}`;
  $("moment").textContent = words;
  $("slider").setAttribute("aria-valuetext", words);
  $("flags").replaceChildren(record.flags.length
    ? warnings(record.flags.map(([, text]) => text))
    : make("p", { class: "note" }, "No dead or saturated units, and no vanishing or exploding gradients, at this step."));
  paint();
  if (zoom === "neuron") neuron();
  network();
  marker();
  panel();
}
function warnings(texts) {
  const list = (some) => make("ul", {}, ...some.map((text) => make("li", { class: "warning" }, "⚠ " + text)));
  const rest = make("details", {}, make("summary", {}, counted(texts.length - 3, "more warning")), list(texts.slice(3)));
  rest.open = $("flags").querySelector("details")?.open || false;
  return make("div", {}, list(texts.slice(0, 3)), texts.length > 3 ? rest : null);
}
function paint() {
  const box = document.querySelector(`.drawing[data-zoom="${zoom}"]`);
  if (box) for (const element of box.querySelectorAll(".node")) {
    const node = S.views[zoom][element.dataset.node], [value, gradient] = pairOf(node.at);
    const amount = heat(rms(gradient)), warned = warningsAt(node).length > 0;
    for (const shape of element.querySelectorAll("path,polygon,ellipse")) shape.style.fill = amount ? `rgba(var(--heat),${(0.8 * amount).toFixed(2)})` : "";
    element.classList.toggle("warned", warned);
    element.classList.toggle("on", chosen === node);
    for (const text of element.querySelectorAll("[data-v]")) text.textContent = (warned ? "⚠ " : "") + brief(value);
    for (const text of element.querySelectorAll("[data-g]")) text.textContent = gradient ? "∇ " + brief(gradient) : "";
    element.setAttribute("aria-label", `${node.kind} ${node.title}, value ${brief(value)}${gradient ? ", gradient " + brief(gradient) : ""}${warned ? ", warning" : ""}`);
  }
  const list = S.views[zoom] || S.views.tensors;
  $("nodes").replaceChildren(table(list.map((node) => {
    const [value, gradient] = pairOf(node.at);
    return [make("button", { type: "button", onclick: () => choose(node) }, node.title), node.kind, node.scope, node.shape, brief(value), brief(gradient), warningsAt(node).join("; ")];
  }), ["node", "kind", "module", "shape", "value", "gradient", "warnings"]));
}
function choose(node) { chosen = node; paint(); panel(); }

function statistics(pair) {
  const rows = [["mean", MEAN], ["deviation", STD], ["minimum", MIN], ["maximum", MAX], ["norm", NORM], ["share of zeros", ZEROS], ["share not finite", BAD]];
  return table(rows.map(([name, i]) => [name, ...pair.map((s) => s ? s[i] : null)]), ["statistic", "value", "gradient"]);
}
function numbers(place) {
  const found = D.records[now].numbers[place];
  if (!found) return null;
  const lay = (x) => Array.isArray(x) && Array.isArray(x[0]) ? x : [x];
  const grids = ["value", "gradient"].map((name, i) => found[i] ? make("div", {}, make("h3", {}, name), table(lay(found[i]).map((row, j) => [j, ...row]))) : null);
  const isWeight = S.layers.some((layer) => layer.weight === place || layer.bias === place);
  return folded(isWeight ? "The numbers" : "The numbers of the first sample", make("div", {}, ...grids));
}
function panel() {
  const node = chosen;
  $("panel").hidden = zoom === "neuron";
  if (!node) { $("panel").replaceChildren(make("p", {}, "Choose a node.")); return; }
  const open = [...$("panel").querySelectorAll("details")].map((d) => d.open);
  const step = D.steps.find((s) => s.result.node === node.at);
  const parts = [make("h3", {}, node.title), make("p", { class: "note" }, [node.kind, node.scope && "in " + node.scope, "shape " + node.shape].filter(Boolean).join(", "))];
  parts.push(...warningsAt(node).map((w) => make("p", { class: "warning" }, "⚠ " + w)));
  parts.push(statistics(pairOf(node.at)));
  for (const place of node.inside) parts.push(make("h3", {}, S.names[place]), statistics(pairOf(place)));
  const grid = numbers(node.at);
  if (grid) parts.push(grid);
  if (step && node.count === 1) {
    parts.push(make("h3", {}, "Formula"), make("p", {}, make("code", {}, step.formula)), make("h3", {}, "Gradient rule"),
      ...step.contributions.map((c) => make("p", {}, make("code", {}, c.rule), make("span", { class: "note" }, c.name ? `, to ${c.name}` : ""))));
    parts.push(...source(step));
  } else if (node.kind === "parameter") parts.push(make("p", { class: "note" }, "A leaf: here gradients accumulate, and the optimizer reads them."));
  $("panel").replaceChildren(...parts);
  $("panel").querySelectorAll("details").forEach((d, i) => { d.open = open[i] || false; });
}
const source = (step) => step.source ? [make("h3", {}, "Source"), make("p", {}, make("code", {}, `${step.source.file}:${step.source.line}: ${step.source.code}`))] : [];
