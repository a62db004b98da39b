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
  if (size >= 1e9 || (size && size < 1e-4)) return x.toExponential(2).replace(/\.?0*e\+?/, "e");
  return (size < 1e4 ? +x.toPrecision(4) : Math.round(x)).toLocaleString("en", { maximumFractionDigits: 8 });
};
const counted = (n, thing, things = thing + "s") => `${n} ${n === 1 ? thing : things}`;

// Rows of texts, numbers or elements; the first cell of each names it.
function table(rows, headings) {
  const shown = (x) => x instanceof Node ? x : show(x);
  const side = (i) => i && rows.some((row) => typeof row[i] === "number") ? "number" : null;
  const body = rows.map(([first, ...rest]) => make("tr", {}, make("th", { scope: "row" }, shown(first)),
    ...rest.map((x, i) => make("td", { class: side(i + 1) }, shown(x)))));
  const head = headings && make("thead", {}, make("tr", {}, ...headings.map((h, i) => make("th", { scope: "col", class: side(i) }, h))));
  return make("table", {}, head ?? null, make("tbody", {}, ...body));
}
const scrolled = (title, content) => make("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": title }, content);
const folded = (title, content) => make("details", {}, make("summary", {}, title), scrolled(title, content));
const clipped = (words, most) => words.length > most ? words.slice(0, most - 1) + "…" : words;
