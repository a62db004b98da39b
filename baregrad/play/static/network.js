// The network: a column for each layer, a picture for each neuron, a curve for each weight.
import { css, signed } from "./colours.js";
import { shade, sheet, short } from "./plots.js";

const $ = (id) => document.getElementById(id);
const node = (tag, properties = {}, ...children) => {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
};

// A name whose beginning and end can be seen, as categories differ at the end.
const shortened = (name) => (name.length > 17 ? `${name.slice(0, 7)}…${name.slice(-9)}` : name);

export class Network {
  constructor(choices, change, hold) {
    Object.assign(this, { choices, change, hold, held: null });
    this.observer = new ResizeObserver(() => this.measure());
    this.observer.observe($("net"));
  }
  build(plan) {
    const { hidden, activations } = plan.settings, last = plan.sizes.length - 1;
    this.plan = plan;
    if (this.held && (this.held[0] > last || this.held[1] >= plan.sizes[this.held[0]])) this.release();
    $("columns").style.setProperty("--neuron", `${Math.max(24, Math.min(44, 380 / Math.max(...hidden, plan.sizes[last], 1) - 7))}px`);
    const shown = plan.features.slice(0, 12);
    this.inputs = shown.map((name) => node("div", { className: "input", textContent: shortened(name), title: name }));
    if (plan.features.length > 12) this.inputs.push(node("div", { className: "input", textContent: `+ ${plan.features.length - 12} more` }));
    this.neurons = plan.sizes.slice(1).map((size, k) => Array.from({ length: size }, (_, i) => this.neuron(k + 1, i)));
    const heads = [node("div", { className: "top", textContent: "inputs" }), ...hidden.map((size, k) => this.head(k, size, activations[k])), node("div", { className: "top", textContent: last ? plan.target : "" })];
    const focused = document.activeElement?.dataset?.key;
    $("columns").replaceChildren(...[this.inputs, ...this.neurons].map((cells, k) => node("div", { className: "column" }, heads[k], node("div", { className: "cells" }, ...cells))));
    if (focused) $("columns").querySelector(`[data-key="${focused}"]`)?.focus();
    $("layers").textContent = `${hidden.length} hidden layer${hidden.length === 1 ? "" : "s"}`;
    $("fewer").disabled = !hidden.length;
    $("more").disabled = hidden.length >= 6;
    $("formula").textContent = "Point at a neuron to see what it computes.";
    this.measure();
  }
  neuron(k, i) {
    const last = k === this.plan.sizes.length - 1;
    const name = last ? `Output ${this.plan.sizes[k] > 1 ? this.plan.classes[i] : this.plan.target}` : `Layer ${k}, neuron ${i + 1}`;
    const button = node("button", { className: "neuron", ariaLabel: name, title: name }, node("canvas"));
    button.dataset.key = `n${k}.${i}`;
    if (this.held && this.held[0] === k && this.held[1] === i) button.classList.add("held");
    button.onmouseenter = button.onfocus = () => { this.held = [k, i]; this.mark(); };
    button.onmouseleave = button.onblur = () => this.release();
    return button;
  }
  head(k, size, activation) {
    const { hidden, activations } = this.plan.settings;
    const resize = (by) => this.change({ hidden: hidden.map((n, i) => (i === k ? n + by : n)) });
    const button = (text, by, what) => {
      const made = node("button", { textContent: text, ariaLabel: `${what} layer ${k + 1}`, onclick: () => resize(by), disabled: size + by < 1 || size + by > 16 });
      made.dataset.key = `h${k}${text}`;
      return made;
    };
    const select = node("select", { ariaLabel: `Activation of layer ${k + 1}` }, ...this.choices.activations.map((name) => node("option", { textContent: name, selected: name === activation })));
    select.dataset.key = `a${k}`;
    select.onchange = () => this.change({ activations: activations.map((a, i) => (i === k ? select.value : a)) });
    const count = node("div", { className: "stepper" }, button("−", -1, "Remove a neuron from"), String(size), button("+", 1, "Add a neuron to"));
    return node("div", { className: "top" }, count, select);
  }
  mark() {
    this.neurons.flat().forEach((b) => b.classList.toggle("held", this.held && b.dataset.key === `n${this.held.join(".")}`));
    if (this.frame) this.explain();
    this.hold();
  }
  release() {
    this.held = null;
    this.mark();
  }
  measure() {
    if (!this.plan) return;
    const home = $("columns").getBoundingClientRect();
    const place = (cell) => { const r = cell.getBoundingClientRect(); return [r.left - home.left, r.right - home.left, (r.top + r.bottom) / 2 - home.top]; };
    this.places = [this.inputs.slice(0, 12), ...this.neurons].map((cells) => cells.map(place));
    Object.assign($("wires").style, { width: `${home.width}px`, height: `${home.height}px` });
    if (this.frame) this.wires();
  }
  draw(frame) {
    this.frame = frame;
    let at = 0;
    const area = this.plan.axes.length > 1 ? this.plan.side ** 2 : this.plan.side;
    this.starts = this.neurons.map((cells) => {
      const start = at;
      at += cells.length * area;
      cells.forEach((cell, i) => shade(cell.firstChild, frame.surfaces, start, cells.length, i, this.plan));
      return start;
    });
    this.wires();
    if (this.held) this.explain();
  }
  // Of layer k (from 1) where its weights begin, and where its biases do.
  offsets(k) {
    const sizes = this.plan.sizes;
    let at = 0;
    for (let i = 1; i < k; i++) at += (sizes[i - 1] + 1) * sizes[i];
    return [at, at + sizes[k - 1] * sizes[k]];
  }
  wires() {
    const { pen } = sheet($("wires")), { sizes } = this.plan, thin = Math.min(1, 9 / Math.max(...sizes.slice(1)));
    for (let k = 1; k < sizes.length; k++) {
      const [from] = this.offsets(k), n = sizes[k - 1];
      this.places[k].forEach(([left, , y], i) => this.places[k - 1].forEach(([, right, z], j) => {
        const w = this.frame.weights[from + i * n + j], strength = Math.abs(w);
        const near = !this.held || (this.held[0] === k && this.held[1] === i) || (this.held[0] === k - 1 && this.held[1] === j);
        pen.globalAlpha = (near ? 1 : 0.15) * Math.min(1, 0.15 + strength);
        pen.strokeStyle = css(signed(Math.sign(w) * 0.9 || 0.1));
        pen.lineWidth = thin * Math.min(7, 0.4 + 1.7 * strength);
        pen.beginPath();
        pen.moveTo(right, z);
        pen.bezierCurveTo((left + right) / 2, z, (left + right) / 2, y, left, y);
        pen.stroke();
      }));
    }
    pen.globalAlpha = 1;
  }
  explain() {
    if (!this.held) return;
    const [k, i] = this.held, { sizes, features, settings } = this.plan, [from, bias] = this.offsets(k), n = sizes[k - 1];
    const name = (j) => (k === 1 ? shortened(features[j]) : `h${k - 1}.${j + 1}`);
    const terms = Array.from({ length: n }, (_, j) => [this.frame.weights[from + i * n + j], name(j)]);
    const sum = terms.map(([w, x], j) => `${w < 0 ? "− " : j ? "+ " : ""}${short(Math.abs(w))} ${x}`).join(" ");
    const b = this.frame.weights[bias + i], inner = `${sum} ${b < 0 ? "−" : "+"} ${short(Math.abs(b))}`;
    $("formula").textContent = k < sizes.length - 1 ? `h${k}.${i + 1} = ${settings.activations[k - 1]}(${inner})` : `output ${i + 1} = ${inner}`;
  }
}
