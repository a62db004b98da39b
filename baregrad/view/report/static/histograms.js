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
