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
  const step = [1, 2, 5, 10].find((n) => n * power >= 0.7 * rough) * power, found = [];
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

// A frame with axes; `add` draws into it, with scales from data to points.
function chart(title, xs, ys, names, add, log = false) {
  const [w, h, l, r, t, b] = [420, 264, 58, 12, 24, 38];
  const [x0, x1] = extent(xs), [y0, y1] = extent(log ? ys.filter((v) => v > 0).map(Math.log10) : ys);
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
  svg.append(make("text", { x: (l + w - r) / 2, y: h - 5, "text-anchor": "middle" }, clipped(names[0], 50)),
    make("text", { x: 4, y: 12 }, title.startsWith(names[1]) ? "" : clipped(names[1], 60)));
  add(svg, X, Y);
  return make("figure", {}, make("figcaption", {}, title), svg);
}
function curves(title, xs, lines, names, mayBeLog = true) {
  const all = finite(lines.flatMap(([, values]) => values));
  const log = mayBeLog && all.length > 0 && all.every((v) => v > 0) && Math.max(...all) > 50 * Math.min(...all);
  const figure = chart(title + (log ? " (logarithmic)" : ""), xs, all, names, (svg, X, Y) => {
    lines.forEach(([, values], i) => {
      let pen = "M", d = "";
      values.forEach((v, j) => { if (Number.isFinite(v)) { d += `${pen}${X(xs[j]).toFixed(1)} ${Y(v).toFixed(1)}`; pen = "L"; } else pen = "M"; });
      svg.append(make("path", { class: `curve s${i}`, d }));
      if (values.length === 1 && d) svg.append(make("circle", { class: `s${i}`, cx: X(xs[0]), cy: Y(values[0]), r: 4 }));
    });
  }, log);
  figure.append(make("p", { class: "legend" }, ...lines.map(([name], i) =>
    make("label", {}, make("span", { class: i === 1 ? "line minus" : "line", "aria-hidden": "true" }), name))));
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
