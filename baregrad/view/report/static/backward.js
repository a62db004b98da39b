function backward() {
  const box = $("backward-body");
  if (!D.steps.length) { box.append(make("p", {}, "The graph is too large to walk through, or has no operation.")); return; }
  let at = 0;
  // Rows and columns in the middle of large tensors are left out, so they have no numbers.
  const numbers = (n) => make("table", {}, make("tbody", {}, ...n.grid.map((row) => make("tr", {}, ...[row].flat().map((x) => make("td", { class: "number" }, x))))));
  const sized = (title, n) => [title, ...(n.shape.length ? [n.shape.join(" × ")] : [])].join(", ");
  const card = (title, n) => n ? make("div", {}, make("h3", {}, sized(title, n)), numbers(n)) : null;
  const view = make("div", { "aria-live": "polite" });
  const move = (by) => { at = Math.max(0, Math.min(D.steps.length - 1, at + by)); draw(); };
  const back = make("button", { type: "button", id: "back", onclick: () => move(-1) }, "← Back");
  const next = make("button", { type: "button", id: "next", onclick: () => move(1) }, "Next →");
  function draw() {
    const s = D.steps[at];
    const focused = document.activeElement; // which a button that is disabled loses
    back.disabled = at === 0; next.disabled = at === D.steps.length - 1;
    for (const [from, to] of [[back, next], [next, back]]) if (from.disabled && focused === from) to.focus();
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
