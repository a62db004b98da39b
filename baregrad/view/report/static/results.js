const last = (values) => values[values.length - 1];
const words = { r2: "R²", rmse: "root mean square error", mae: "mean absolute error" };
function summary() {
  const tile = (value, text) => $("tiles").append(make("div", { class: "tile" }, make("b", {}, show(value)), make("span", {}, text)));
  for (const [name, value] of D.results.scores) if (value !== null) tile(name === "accuracy" ? `${show(100 * value)}%` : value, words[name] ?? name);
  for (const [name, text] of [["loss", "training loss"], ["val_loss", "validation loss"]]) {
    const values = D.history[name] ?? [];
    if (values.length) tile(last(values), values.length > 1 ? `last ${text}; ${show(values[0])} at first` : text);
  }
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
    matrix.querySelectorAll("tbody tr").forEach((tr, i) => tr.querySelectorAll("td").forEach((td, j) => {
      td.style.background = `rgba(var(--heat),${(0.75 * R.matrix[i][j] / most[i]).toFixed(3)})`;
      if (i === j) td.style.fontWeight = 700;
    }));
    const each = table(R.each, ["class", "precision", "recall", "F1", "samples"]);
    for (const made of [matrix, each]) {
      made.className = "matrix";
      made.querySelectorAll("th").forEach((th) => { th.title = th.textContent; });
    }
    parts.push(make("div", {}, make("h3", {}, "Confusion matrix"), scrolled("Confusion matrix", matrix),
      R.hidden ? make("p", { class: "note" }, `Without ${counted(R.hidden, "more class", "more classes")}.`) : null));
    parts.push(make("div", {}, make("h3", {}, "Each class"), scrolled("Each class", each)));
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
  figure.append(make("p", { class: "legend" }, said + scale));
  return figure;
}
function history() {
  const H = D.history, names = Object.keys(H).filter((n) => !n.startsWith("val_") && n !== "loss");
  const box = $("curves-body");
  box.append(...lossCurve());
  for (const name of names) {
    const lines = [["training", H[name]]];
    if (H["val_" + name]) lines.push(["validation", H["val_" + name]]);
    const epochs = H[name].map((_, i) => i + 1);
    if (name === "lr") box.append(curves("learning rate", epochs, [["learning rate", H.lr]], ["epoch", "learning rate"], false));
    else box.append(curves(name, epochs, lines, ["epoch", name]));
  }
  if (D.records.length > 1) box.append(curves("gradient norm of the watched samples", D.records.map((r) => r.step), [["norm of all gradients", D.records.map((r) => r.norm)]], ["step", "gradient norm"]));
  if (!H.loss?.length && D.records.length < 2) box.append(make("p", {}, "No epoch was finished."));
}
