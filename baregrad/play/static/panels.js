// The computational graph and the backward pass of a sample. All text from the server is put in as text.
const $ = (id) => document.getElementById(id);
const node = (tag, text = "", ...children) => {
  const made = document.createElement(tag);
  made.textContent = text;
  made.append(...children);
  return made;
};

export class Graph {
  constructor(send) {
    this.send = send;
    this.plan = null;
    this.waiting = false;
    $("graph").ontoggle = () => this.ask();
  }
  ask() {
    if (!$("graph").open || this.waiting) return;
    this.waiting = true;
    this.send({ do: "graph", plan: this.plan });
  }
  lost() { this.waiting = false; this.plan = null; }
  show({ svg, note, values, gradients, plan }) {
    setTimeout(() => { this.waiting = false; if (this.late) { this.late = false; this.ask(); } }, 200);
    if (svg) {
      const drawing = new DOMParser().parseFromString(svg, "image/svg+xml").documentElement;
      $("drawing").replaceChildren(document.importNode(drawing, true));
    } else if (note) $("drawing").textContent = note;
    this.plan = plan;
    for (const [key, texts] of [["v", values], ["g", gradients]])
      for (const place of $("drawing").querySelectorAll(`[data-${key}]`)) place.textContent = texts[place.dataset[key]] ?? "";
  }
  changed() { if (this.waiting) this.late = true; else this.ask(); }
}

export class Backward {
  constructor(send) {
    Object.assign(this, { steps: [], at: 0 });
    const compute = () => { if ($("backward").open && $("sample").reportValidity()) send({ do: "backward", sample: Number($("sample").value) }); };
    $("compute").onclick = $("sample").onchange = $("backward").ontoggle = compute;
    $("earlier").onclick = () => this.go(-1);
    $("later").onclick = () => this.go(1);
  }
  go(by) { this.at = Math.max(0, Math.min(this.steps.length - 1, this.at + by)); this.draw(); }
  show(steps) { this.steps = steps; this.at = Math.min(this.at, steps.length - 1); this.draw(); }
  draw() {
    const step = this.steps[this.at];
    $("earlier").disabled = this.at === 0;
    $("later").disabled = this.at === this.steps.length - 1;
    $("where").textContent = `operation ${step.step} of ${step.steps}: ${step.operation}${step.scope ? ` in ${step.scope}` : ""}`;
    const parts = [node("code", step.formula), tensors([...step.operands, step.result].map((x) => [`${x.symbol}${x.name ? ` (${x.name})` : ""}`, x.value]).concat([[`arriving: ∂L/∂${step.result.symbol}`, step.gradient]]))];
    for (const sent of step.contributions) {
      parts.push(node("code", [sent.rule, sent.numbers && `${sent.element.length ? `element (${sent.element.join(", ")}), the largest: ` : ""}${sent.numbers}`, sent.broadcast].filter(Boolean).join("\n")));
      const shown = [["contributes", sent.contribution]];
      if (sent.before) shown.push(["had arrived before", sent.before]);
      if (sent.before || !sent.complete) shown.push([sent.complete ? "sum, complete" : "sum so far", sent.after]);
      parts.push(tensors(shown));
    }
    $("operation").replaceChildren(...parts);
  }
}

function tensors(shown) {
  const box = node("div");
  box.className = "tensors";
  for (const [label, value] of shown) {
    const rows = value.grid.map((row) => node("tr", "", ...(Array.isArray(row) ? row : [row]).map((cell) => node("td", String(cell)))));
    box.append(node("div", "", node("p", `${label}, ${value.shape.length ? value.shape.join(" × ") : "scalar"}`), node("table", "", ...rows)));
  }
  return box;
}
