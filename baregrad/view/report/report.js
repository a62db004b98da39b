"use strict";
// The data are shown as text only (textContent, attributes), never as markup.
const D = JSON.parse(document.getElementById("data").textContent);
const $ = (id) => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg";
const [MEAN, STD, MIN, MAX, NORM, ZEROS, BINS, BAD] = [0, 1, 2, 3, 4, 5, 6, 7];
const SHAPES = ["●", "■", "▲", "◆", "✚", "★"];

function make(name, attributes = {}, ...children) {
  const isSvg = /^(svg|g|path|rect|circle|line|text|title|polygon)$/.test(name);
  const node = isSvg ? document.createElementNS(SVG, name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (value !== null && value !== undefined) node.setAttribute(key, value);
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}
const show = (x) => {
  if (x === null || x === undefined) return "–";
  if (typeof x !== "number") return String(x);
  const size = Math.abs(x);
  if (size >= 1e9 || (size && size < 1e-3)) return x.toExponential(2).replace(/\.?0*e\+?/, "e");
  return (size < 1e4 ? +x.toPrecision(4) : Math.round(x)).toLocaleString("en", { maximumFractionDigits: 8, useGrouping: size >= 1e4 });
};
function table(rows, headings, caption) {
  const cell = (x) => x instanceof Node ? make("td", {}, x) : make("td", typeof x === "number" ? { class: "number" } : {}, show(x));
  const head = headings ? [make("thead", {}, make("tr", {}, ...headings.map((h, i) => make("th", { scope: "col", class: typeof rows[0]?.[i] === "number" && i ? "number" : null }, h))))] : [];
  const body = rows.map(([first, ...rest]) => make("tr", {}, make("th", { scope: "row" }, first instanceof Node ? first : show(first)), ...rest.map(cell)));
  return make("table", {}, ...(caption ? [make("caption", {}, caption)] : []), ...head, make("tbody", {}, ...body));
}
const folded = (title, content) => make("details", {}, make("summary", {}, title),
  make("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": title }, content));
const finite = (values) => values.filter((v) => Number.isFinite(v));
function extent(values) {
  let low = Infinity, high = -Infinity;
  for (const v of values) if (Number.isFinite(v)) { low = Math.min(low, v); high = Math.max(high, v); }
  if (low > high) return [0, 1];
  return low === high ? [low - (Math.abs(low) || 1) / 2, high + (Math.abs(high) || 1) / 2] : [low, high];
}

// Round numbers within a range, four or so.
function ticks(low, high) {
  const rough = (high - low) / 4, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((n) => n * power >= rough) * power, found = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + 1e-9 * step; i++) found.push(+(i * step).toPrecision(12));
  return found;
}

// The same for logarithms: as many of 1, 2, 5, 10, ... as there is room for.
function logTicks(low, high) {
  const all = (digits) => {
    const found = [];
    for (let power = Math.floor(low); power <= high; power++) for (const n of digits) found.push(power + Math.log10(n));
    return found.filter((at) => at >= low - 1e-9 && at <= high + 1e-9);
  };
  const few = [[1, 2, 5], [1, 3], [1]].map(all).find((found) => found.length < 7);
  return few?.length > 1 ? few : ticks(low, high);
}

// --- charts ---------------------------------------------------------------------------------

// A frame with axes; `add` draws into it, with scales from data to points.
function chart(title, xs, ys, names, add, log = false) {
  const [w, h, l, r, t, b] = [420, 260, 58, 12, 10, 38];
  const [x0, x1] = extent(xs);
  const logs = log ? extent(ys.filter((v) => v > 0).map(Math.log10)) : extent(ys);
  const [y0, y1] = logs;
  const X = (v) => l + (v - x0) / (x1 - x0) * (w - l - r);
  const Y = (v) => h - b - ((log ? Math.log10(v) : v) - y0) / (y1 - y0) * (h - t - b);
  const svg = make("svg", { viewBox: `0 0 ${w} ${h}`, role: "img", "aria-label": `${title}: ${names[1]} over ${names[0]}` });
  for (const at of (log ? logTicks : ticks)(y0, y1)) {
    const y = h - b - (at - y0) / (y1 - y0) * (h - t - b);
    svg.append(make("path", { class: "axis", d: `M${l} ${y}H${w - r}` }),
      make("text", { class: "tick", x: l - 5, y: y + 4, "text-anchor": "end" }, show(log ? +(10 ** at).toPrecision(2) : at)));
  }
  for (const at of ticks(x0, x1)) svg.append(make("path", { class: "axis", d: `M${X(at)} ${h - b}v4` }),
    make("text", { class: "tick", x: X(at), y: h - b + 15, "text-anchor": "middle" }, show(at)));
  svg.append(make("text", { x: (l + w - r) / 2, y: h - 5, "text-anchor": "middle" }, names[0]));
  add(svg, X, Y);
  return make("figure", {}, make("figcaption", {}, title), svg);
}
function curves(title, xs, lines, names, logAllowed = true) {
  const all = finite(lines.flatMap(([, values]) => values));
  const log = logAllowed && all.length > 0 && all.every((v) => v > 0) && Math.max(...all) > 50 * Math.min(...all);
  const figure = chart(title + (log ? " (logarithmic)" : ""), xs, all, names, (svg, X, Y) => {
    lines.forEach(([, values], i) => {
      let pen = "M", d = "";
      values.forEach((v, j) => { if (Number.isFinite(v)) { d += `${pen}${X(xs[j]).toFixed(1)} ${Y(v).toFixed(1)}`; pen = "L"; } else pen = "M"; });
      svg.append(make("path", { class: `curve s${i % 4}`, d }));
      if (values.length === 1 && d) svg.append(make("circle", { class: `s${i % 4}`, cx: X(xs[0]), cy: Y(values[0]), r: 4 }));
    });
  }, log);
  figure.append(make("p", { class: "legend" }, ...lines.map(([name], i) =>
    make("label", {}, make("span", { class: i % 4 === 1 ? "line minus" : "line", "aria-hidden": "true" }), name))));
  return figure;
}
function scatter(title, pairs, names, diagonal) {
  const xs = pairs.map((p) => p[0]), ys = pairs.map((p) => p[1]);
  const both = diagonal ? xs.concat(ys) : null;
  return chart(title, both || xs, both || ys.concat(0), names, (svg, X, Y) => {
    const [low, high] = extent(both || xs);
    svg.append(make("path", { class: "curve s1", d: diagonal ? `M${X(low)} ${Y(low)}L${X(high)} ${Y(high)}` : `M${X(low)} ${Y(0)}H${X(high)}` }));
    for (const [x, y] of pairs) if (x !== null && y !== null) svg.append(make("circle", { class: "s0 dot", cx: X(x).toFixed(1), cy: Y(y).toFixed(1), r: 3.2 }));
  });
}

// --- summary, results, curves ---------------------------------------------------------------

const last = (values) => values[values.length - 1];
const words = { r2: "R²", rmse: "root mean square error", mae: "mean absolute error" };
function summary() {
  const tile = (value, text) => $("tiles").append(make("div", { class: "tile" }, make("b", {}, show(value)), make("span", {}, text)));
  for (const [name, value] of D.results.scores) tile(name === "accuracy" ? `${show(100 * value)} %` : value, words[name] ?? name);
  for (const [name, text] of [["loss", "training loss"], ["val_loss", "validation loss"]])
    if (D.history[name]?.length) tile(last(D.history[name]), `${text}; ${show(D.history[name][0])} at first`);
  $("story").append(...lossCurve());
}
function lossCurve() {
  const { loss, val_loss: validation } = D.history;
  if (!loss?.length) return [];
  const lines = [["training", loss], ...(validation ? [["validation", validation]] : [])];
  return [curves("loss", loss.map((_, i) => i + 1), lines, ["epoch", "loss"])];
}

function results() {
  const R = D.results, box = $("results-body"), parts = [];
  const scores = table(R.scores, ["score", "value"]);
  parts.push(make("div", {}, make("h3", {}, `Of ${R.of}`), scores));
  if (R.kind === "numbers") {
    const [truth, guess] = ["true " + R.target, "predicted " + R.target];
    if (R.outputs > 1) parts[0].append(make("p", { class: "note" }, `The charts show the first of ${R.outputs} outputs.`));
    parts.push(scatter("Predicted against true", R.pairs, [truth, guess], true));
    parts.push(scatter("Residuals", R.pairs.map(([t, p]) => [p, t === null || p === null ? null : t - p]), [guess, "true − predicted"], false));
    parts[0].append(folded("Predictions as a table", table(R.pairs.map(([t, p], i) => [i, t, p]), ["sample", "true", "predicted"])));
  } else if (R.kind === "classes") {
    const most = R.matrix.map((row) => Math.max(1, row.reduce((a, b) => a + b, 0)));
    const rows = R.matrix.map((row, i) => [R.classes[i], ...row]);
    const matrix = table(rows, ["true ↓ predicted →", ...R.classes]);
    matrix.className = "matrix";
    matrix.querySelectorAll("tbody tr").forEach((tr, i) => tr.querySelectorAll("td").forEach((td, j) => {
      td.style.background = `rgba(var(--heat),${(0.75 * R.matrix[i][j] / most[i]).toFixed(3)})`;
      if (i === j) td.style.fontWeight = 700;
    }));
    parts.push(make("div", {}, make("h3", {}, "Confusion matrix"), make("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Confusion matrix" }, matrix),
      R.hidden ? make("p", { class: "note" }, `${R.hidden} more classes are not shown.`) : null));
    parts.push(make("div", {}, make("h3", {}, "Each class"), make("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Each class" }, table(R.each, ["class", "precision", "recall", "F1", "samples"]))));
  }
  if (R.picture) parts.splice(1, 0, R.picture.axes.length === 1 ? fitted(R) : surface(R));
  box.append(...parts);
}
function fitted(R) {
  const P = R.picture, xs = P.axes[0];
  const truth = R.kind === "classes" ? P.truth.map((t) => (P.chosen ? t / Math.max(1, R.classes.length - 1) : t)) : P.truth;
  return chart("The fitted curve", xs, P.values.concat(truth), [P.features[0], P.target], (svg, X, Y) => {
    P.points.forEach(([x], i) => svg.append(make("circle", { class: "s1 dot", cx: X(x), cy: Y(truth[i]), r: 2.8 })));
    svg.append(make("path", { class: "curve s0", d: "M" + xs.map((x, i) => `${X(x).toFixed(1)} ${Y(P.values[i]).toFixed(1)}`).join("L") }));
  });
}
const PALETTE = ["0,96,168", "230,120,0", "138,99,210", "42,143,111", "160,160,60", "150,90,90"];
function surface(R) {
  const P = R.picture, [xs, ys] = P.axes, [low, high] = R.kind === "classes" ? [0, 1] : extent(P.values);
  const colour = (i) => {
    if (P.chosen) return `rgba(${PALETTE[P.chosen[i] % 6]},${(0.15 + 0.6 * P.values[i]).toFixed(2)})`;
    const v = (P.values[i] - low) / (high - low) * 2 - 1;
    return `rgba(${PALETTE[v < 0 ? 0 : 1]},${(0.85 * Math.abs(v)).toFixed(2)})`;
  };
  const figure = chart(R.kind === "classes" ? "The decision surface" : "The fitted surface", xs, ys, P.features, (svg, X, Y) => {
    const edges = (values, scale) => [...values, 2 * last(values) - values[values.length - 2]].map((v) => Math.round(10 * scale(v - (values[1] - values[0]) / 2)) / 10);
    const [ex, ey] = [edges(xs, X), edges(ys, Y)];
    const cells = make("g", { "shape-rendering": "crispEdges" });
    ys.forEach((_, j) => xs.forEach((__, i) => cells.append(make("rect", { x: ex[i], y: ey[j + 1], width: (ex[i + 1] - ex[i]).toFixed(1), height: (ey[j] - ey[j + 1]).toFixed(1), fill: colour(j * xs.length + i) }))));
    svg.append(cells);
    P.points.forEach(([x, y], i) => svg.append(R.kind === "classes"
      ? make("text", { x: X(x), y: Y(y) + 2.5, "text-anchor": "middle", style: "font-size:7px" }, SHAPES[P.truth[i] % 6])
      : make("circle", { class: "unit", cx: X(x), cy: Y(y), r: 2 })));
  });
  const said = R.kind === "classes" ? "Signs are the true classes: " + R.classes.slice(0, 6).map((c, i) => `${SHAPES[i]} ${c}`).join(", ") + ". " : "";
  const scale = P.chosen ? "The stronger a colour, the surer the model." : `Blue is ${show(low)} and orange ${show(high)}: the ${P.target}.`;
  figure.append(make("p", { class: "legend" }, `${P.features[0]} across, ${P.features[1]} upwards. ${said}${scale}`));
  return figure;
}
function history() {
  const H = D.history, names = Object.keys(H).filter((n) => !n.startsWith("val_") && n !== "loss");
  const box = $("curves-body");
  box.append(...lossCurve());
  for (const name of names) {
    const lines = [["training", H[name]]];
    if (H["val_" + name]) lines.push(["validation", H["val_" + name]]);
    box.append(curves(name === "lr" ? "learning rate" : name, H[name].map((_, i) => i + 1), name === "lr" ? [["learning rate", H.lr]] : lines, ["epoch", name]));
  }
  if (D.records.length > 1) box.append(curves("gradient norm of the watched samples", D.records.map((r) => r.step), [["norm of all gradients", D.records.map((r) => r.norm)]], ["step", "gradient norm"]));
  if (!H.loss?.length && D.records.length < 2) box.append(make("p", {}, "No epoch was finished."));
}

// --- through time ---------------------------------------------------------------------------

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
  const rest = make("details", {}, make("summary", {}, `${texts.length - 3} more warnings`), list(texts.slice(3)));
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

// --- names ----------------------------------------------------------------------------------

// What is written beside an input of a layer, and beside what it makes; features and classes have names.
const clipped = (words, most) => words.length > most ? words.slice(0, most - 1) + "…" : words;
const inputName = (k, i) => k ? `${S.layers[k - 1].name}[${i}]` : D.features[i] ?? `x${i}`;
function outputName(k, i) {
  const { outputs, name } = S.layers[k], { kind, classes, target } = D.results;
  if (k < S.layers.length - 1) return `${name}[${i}]`;
  if (kind === "classes") return outputs === 1 ? `logit of ${classes[1]}` : String(classes[i] ?? i);
  return outputs === 1 ? target ?? "output" : `${target ?? "output"} ${i}`;
}

// --- one neuron -----------------------------------------------------------------------------

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
    make("p", { class: "note" }, `z = w · x + b and a = φ(z), of the first watched sample${more > 0 ? `; ${more} more inputs are not shown` : ""}.`), svg,
    folded("The neuron as a table", table([...w[u].map((v, i) => [inputName(layerAt, i), x && x[i], v, dw && dw[u][i]]), ...(b ? [["bias", null, b[u], db && db[u]]] : [])], ["from", "input", "weight", "gradient of the loss"])));
}

// --- the network ----------------------------------------------------------------------------

function network() {
  const box = $("network-body"), L = S.layers;
  if (!L.length) { box.replaceChildren(make("p", {}, "The model has no linear layers to draw.")); return; }
  const most = Math.min(S.side, 12), sizes = [L[0].inputs, ...L.map((l) => l.outputs)], shown = sizes.map((n) => Math.min(n, most));
  const height = Math.max(...shown) * 30 + 56, width = 190 * L.length + 300;
  const at = (column, i) => [150 + column * 190, 30 + (i + 1) * (height - 56) / (shown[column] + 1)];
  const svg = make("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `The network: ${sizes.join(", ")} neurons` });
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
  const wasOpen = box.querySelector("details")?.open;
  const rows = L.map((l) => [l.name, l.inputs, l.outputs, ...(pairOf(l.weight)[0] || []).slice(0, 4)]);
  box.replaceChildren(svg, folded("Weights as a table", table(rows, ["layer", "inputs", "neurons", "mean weight", "deviation", "smallest", "largest"])));
  box.querySelector("details").open = wasOpen || false;
}

// --- histograms over time -------------------------------------------------------------------

let marker = () => {};
function histograms() {
  const box = $("histograms-body");
  const which = make("select", {}, ...S.charted.map((place) => make("option", { value: place }, S.names[place])));
  const what = make("select", {}, make("option", { value: 0 }, "values"), make("option", { value: 1 }, "gradients"));
  const out = make("div", {});
  const draw = () => {
    const rows = D.records.map((r) => (r.tensors[which.value] || [])[what.value] || null);
    const ends = extent(rows.flatMap((s) => s ? [s[MIN], s[MAX]] : []));
    const name = `${what.selectedOptions[0].textContent} of ${which.selectedOptions[0].textContent}`;
    let mark;
    const at = D.records.map((r) => r.step), count = at.length;
    at.push(at[count - 1] + Math.max(1, count > 1 ? at[count - 1] - at[count - 2] : 1));
    const figure = chart(name, at, ends, ["step", name], (svg, X, Y) => {
      rows.forEach((s, i) => {
        if (!s || s[MIN] === null) return;
        const cells = s[BINS] || "z", each = (s[MAX] - s[MIN]) / cells.length;
        [...cells].forEach((c, j) => {
          const amount = parseInt(c, 36) / 35, y = Y(s[MIN] + each * (j + 1));
          if (amount) svg.append(make("rect", { class: "s0", stroke: "none", style: "stroke:none", x: X(at[i]).toFixed(1), y: y.toFixed(1), width: (X(at[i + 1]) - X(at[i])).toFixed(1), height: Math.max(1.5, Y(s[MIN] + each * j) - y), "fill-opacity": (0.1 + 0.9 * amount).toFixed(2) }));
        });
      });
      mark = make("path", { class: "curve s1" });
      svg.append(mark);
      marker = () => mark.setAttribute("d", `M${X((at[now] + at[now + 1]) / 2)} ${Y(ends[0])}V${Y(ends[1])}`);
    });
    out.replaceChildren(figure, folded("As a table", table(D.records.map((r, i) => [r.step, ...(rows[i] || []).slice(0, 6)]), ["step", "mean", "deviation", "minimum", "maximum", "norm", "share of zeros"])));
    marker();
  };
  which.onchange = what.onchange = draw;
  box.append(make("label", {}, "Of ", which), make("label", {}, "show ", what), out);
  draw();
}

// --- the backward pass ----------------------------------------------------------------------

function backward() {
  const box = $("backward-body");
  if (!D.steps.length) { box.append(make("p", {}, "The graph is too large to walk through, or has no operation.")); return; }
  let at = 0;
  const numbers = (n) => n.shape.length ? table((n.grid.length ? n.grid : [[]]).map((row, i) => [i, ...row])) : make("p", {}, show(n.grid.flat()[0]));
  const card = (title, n) => n ? make("div", {}, make("h3", {}, title), numbers(n)) : null;
  const view = make("div", { "aria-live": "polite" });
  const move = (by) => { at = Math.max(0, Math.min(D.steps.length - 1, at + by)); draw(); };
  const back = make("button", { type: "button", id: "back", onclick: () => move(-1) }, "← Back");
  const next = make("button", { type: "button", id: "next", onclick: () => move(1) }, "Next →");
  function draw() {
    const s = D.steps[at];
    back.disabled = at === 0; next.disabled = at === D.steps.length - 1;
    view.replaceChildren(make("h3", {}, `Step ${s.step} of ${s.steps}: ${s.operation}${s.scope ? " in " + s.scope : ""}`),
      make("p", {}, make("code", {}, s.formula)), make("div", { class: "cards" }, card(`arriving: ∂L/∂${s.result.symbol}`, s.gradient), ...s.operands.map((o) => card(o.symbol + (o.name && o.name !== o.symbol ? ` (${o.name})` : ""), o.value))),
      ...s.contributions.map((c) => make("div", {}, make("h3", {}, `to ${c.to}${c.name && c.name !== c.to ? ` (${c.name})` : ""}`), make("p", {}, make("code", {}, c.rule)),
        c.numbers ? make("p", {}, make("code", {}, (c.element.length ? `at [${c.element}]: ` : "") + c.numbers)) : null, c.broadcast ? make("p", { class: "note" }, c.broadcast) : null,
        make("div", { class: "cards" }, card("contribution", c.contribution), card("arrived before", c.before), c.before ? card("accumulated", c.after) : null),
        make("p", { class: "note" }, c.complete ? "Nothing more will come here." : "More will come here."))), ...source(s));
  }
  box.append(make("div", {}, back, " ", next), view);
  draw();
}

// --- controls -------------------------------------------------------------------------------

function go(to) { now = Math.max(0, Math.min(D.records.length - 1, to)); update(); }
function stop() { clearInterval(timer); timer = null; $("play").textContent = "▶ Play"; $("play").setAttribute("aria-pressed", "false"); }
function play() {
  if (timer) { stop(); return; }
  if (now === D.records.length - 1) go(0);
  $("play").textContent = "❚❚ Pause";
  $("play").setAttribute("aria-pressed", "true");
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
