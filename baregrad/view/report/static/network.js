// What is written beside an input of a layer, and beside what it makes; features and classes have names.
const inputName = (k, i) => k ? `${S.layers[k - 1].name}[${i}]` : D.features[i] ?? `x${i}`;
function outputName(k, i) {
  const { outputs, name } = S.layers[k], { kind, classes, target } = D.results;
  if (k < S.layers.length - 1) return `${name}[${i}]`;
  if (kind === "classes") return outputs === 1 ? `logit of ${classes[1]}` : String(classes[i] ?? i);
  return outputs === 1 ? target ?? "output" : `${target ?? "output"} ${i}`;
}

let layerAt = 0, unitAt = 0;
const numberOf = (place) => D.records[now].numbers[place] || [null, null];
const grid = (x) => x && !Array.isArray(x[0]) ? [x] : x;
function neuron() {
  const layer = S.layers[layerAt], count = Math.min(layer.outputs, S.side), box = $("neuron");
  unitAt = Math.min(unitAt, count - 1);
  const select = (label, options, value, set) => make("label", {}, label, make("select", { onchange: (e) => { set(+e.target.value); neuron(); box.querySelector(`select[data-for="${label}"]`).focus(); }, "data-for": label },
    ...options.map((text, i) => make("option", i === value ? { value: i, selected: "" } : { value: i }, text))));
  const [x] = numberOf(layer.x), [w, dw] = numberOf(layer.weight).map(grid), [b, db] = layer.bias === null ? [null, null] : numberOf(layer.bias);
  const [z, dz] = numberOf(layer.z), [a, da] = numberOf(layer.a), u = unitAt;
  const inputs = w[u].length, height = Math.max(150, inputs * 30 + 40), mid = height / 2;
  const svg = make("svg", { viewBox: `0 0 700 ${height}`, width: 700, role: "img", "aria-label": `Neuron ${u} of ${layer.name}: z is ${show(z && z[u])}, output ${show(a && a[u])}` });
  const text = (px, py, words, anchor = "middle") => svg.append(make("text", { x: px, y: py, "text-anchor": anchor }, words));
  const top = Math.max(...w[u].map(Math.abs), 1e-12);
  for (let i = 0; i < inputs; i++) {
    const y = (i + 1) * height / (inputs + 1);
    svg.append(make("path", { class: w[u][i] < 0 ? "w minus" : "w", "stroke-width": (0.6 + 5 * Math.abs(w[u][i]) / top).toFixed(1), d: `M230 ${y}L410 ${mid}` }));
    svg.append(make("circle", { class: "unit", cx: 225, cy: y, r: 6 }));
    text(212, y + 4, `${clipped(inputName(layerAt, i), 20)} = ${show(x && x[i])}`, "end");
    text(280, y + (mid - y) * 50 / 180 - 3, "× " + show(w[u][i]));
  }
  svg.append(make("path", { class: "w", d: `M430 ${mid}H610` }), make("circle", { class: "unit", cx: 420, cy: mid, r: 18 }), make("circle", { class: "unit", cx: 620, cy: mid, r: 18 }));
  text(420, mid + 5, "Σ"); text(620, mid + 5, "φ");
  text(510, mid - 9, `z = ${show(z && z[u])}`); text(510, mid + 19, `∂L/∂z = ${show(dz && dz[u])}`);
  text(620, mid - 27, `a = ${show(a && a[u])}`); text(620, mid + 36, `∂L/∂a = ${show(da && da[u])}`);
  text(620, mid - 45, clipped(outputName(layerAt, u), 20));
  if (b) text(420, mid + 36, `+ b = ${show(b[u])}`);
  const more = layer.inputs - inputs;
  box.replaceChildren(select("Layer", S.layers.map((l) => l.name), layerAt, (v) => { layerAt = v; }), select("Neuron", [...Array(count).keys()].map(String), unitAt, (v) => { unitAt = v; }),
    make("p", { class: "note" }, `z = w · x + b and a = φ(z), of the first watched sample${more > 0 ? `; without ${counted(more, "more input")}` : ""}.`), svg,
    folded("The neuron as a table", table([...w[u].map((v, i) => [inputName(layerAt, i), x && x[i], v, dw && dw[u][i]]), ...(b ? [["bias", null, b[u], db && db[u]]] : [])], ["from", "input", "weight", "gradient of the loss"])));
}

function network() {
  const box = $("network-body"), L = S.layers;
  if (!L.length) { box.replaceChildren(make("p", {}, "The model has no linear layers to draw.")); return; }
  const most = Math.min(S.side, 12), sizes = [L[0].inputs, ...L.map((l) => l.outputs)], shown = sizes.map((n) => Math.min(n, most));
  const height = Math.max(...shown) * 30 + 56, width = 190 * L.length + 300;
  const at = (column, i) => [150 + column * 190, 30 + (i + 1) * (height - 56) / (shown[column] + 1)];
  const svg = make("svg", { viewBox: `0 0 ${width} ${height}`, style: `width:100%;min-width:${0.7 * width}px;max-width:${width}px`, role: "img", "aria-label": `The network: ${sizes.join(", ")} neurons` });
  L.forEach((layer, k) => {
    const w = grid(numberOf(layer.weight)[0]);
    const top = w ? Math.max(...w.flat().map(Math.abs), 1e-12) : 1;
    if (w && layer.inputs === sizes[k]) for (let o = 0; o < shown[k + 1]; o++) for (let i = 0; i < shown[k]; i++) {
      const v = w[o][i], [x0, y0] = at(k, i), [x1, y1] = at(k + 1, o);
      svg.append(make("path", { class: v < 0 ? "w minus" : "w", "stroke-width": (0.2 + 4 * Math.abs(v) / top).toFixed(2), "stroke-opacity": (0.15 + 0.75 * Math.abs(v) / top).toFixed(2), d: `M${x0} ${y0}L${x1} ${y1}` }, make("title", {}, `${layer.name}: weight from ${inputName(k, i)} to ${outputName(k, o)} is ${show(v)}`)));
    }
  });
  sizes.forEach((n, column) => {
    for (let i = 0; i < shown[column]; i++) { const [x, y] = at(column, i); svg.append(make("circle", { class: "unit", cx: x, cy: y, r: 9 }, make("title", {}, column ? outputName(column - 1, i) : inputName(0, i)))); }
    const [x] = at(column, 0);
    svg.append(make("text", { x, y: 16, "text-anchor": "middle" }, column ? L[column - 1].name : "inputs"));
    if (n > shown[column]) svg.append(make("text", { x, y: height - 8, "text-anchor": "middle" }, `+ ${n - shown[column]} more`));
  });
  const beside = (column, i, words, side) => {
    const [x, y] = at(column, i);
    svg.append(make("text", { x: x + side * 15, y: y + 4, "text-anchor": side < 0 ? "end" : "start" }, clipped(words, 17)));
  };
  for (let i = 0; i < shown[0]; i++) beside(0, i, inputName(0, i), -1);
  for (let i = 0; i < shown[L.length]; i++) beside(L.length, i, outputName(L.length - 1, i), 1);
  const wasOpen = box.querySelector("details")?.open, place = box.querySelector(".scroll")?.scrollLeft ?? 0;
  const rows = L.map((l) => [l.name, l.inputs, l.outputs, ...(pairOf(l.weight)[0] || []).slice(0, 4)]);
  box.replaceChildren(scrolled("Neurons and weights, scrolls", svg), folded("Weights as a table", table(rows, ["layer", "inputs", "neurons", "mean weight", "deviation", "smallest", "largest"])));
  box.querySelector("details").open = wasOpen || false;
  box.querySelector(".scroll").scrollLeft = place;
}
