// The page: settings go out, frames come in and are drawn.
import { read, written } from "./address.js";
import { classColour, colours, css, dark } from "./colours.js";
import { Link } from "./link.js";
import { Network } from "./network.js";
import { Backward, Graph } from "./panels.js";
import { drawChart, drawOutput, shade, shadeClasses, sheet, short } from "./plots.js";

const $ = (id) => document.getElementById(id);
const RATES = [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.02, 0.03, 0.1, 0.3, 1, 3, 10];
const picture = document.createElement("canvas");
let plan = null, frame = null, network = null, asked = null, going = null, drawing = false;

const link = new Link({
  connected() { $("link").hidden = true; },
  lost() { graph.lost(); asked = going = null; tell("The connection is lost, and training pauses. Trying again…"); },
  replaced(again) {
    tell("Another tab has taken over this playground. ");
    const button = Object.assign(document.createElement("button"), { textContent: "Take it back", onclick: again });
    $("link").append(button);
  },
  told(answer) {
    if (answer.plan) renew(answer.plan);
    if (answer.error) { asked = null; warn(answer.error); if (plan) { controls(); address(); } }
    if (answer.graph) graph.show(answer.graph);
    if (answer.backward) backward.show(answer.backward);
  },
  frame(latest) { frame = latest; draw(); },
});
const send = (command) => link.send(command);
const graph = new Graph(send), backward = new Backward(send);
const tell = (text) => { $("link").textContent = text; $("link").hidden = false; };
const warn = (text) => { $("message").textContent = text; $("message").hidden = !text; };

function change(settings) {
  warn("");
  if ("hidden" in settings && !("activations" in settings)) {
    const now = plan.settings.activations;
    settings.activations = settings.hidden.map((_, i) => now[i] ?? now.at(-1) ?? "tanh");
  }
  send({ do: "change", settings });
}

// --- what stays the same during a training ---------------------------------------------------

function renew(described) {
  const first = !plan;
  plan = described;
  if (first) {
    fill($("data"), [...plan.choices.data.map(([name]) => [name, name]), ["drawn", "drawn by hand"], ["csv", "a CSV file"]]);
    fill($("optimizer"), plan.choices.optimizers.map(([n]) => [n, n]));
    fill($("momentum"), [0, 0.5, 0.8, 0.9, 0.95, 0.99].map((n) => [n, n]));
    fill($("dropout"), [0, 0.1, 0.2, 0.3, 0.5].map((n) => [n, n]));
    fill($("decay"), [0, 1e-5, 1e-4, 1e-3, 0.01, 0.1].map((n) => [n, n]));
    network = new Network(plan.choices, change, () => frame && drawSurface());
    if (location.hash.length > 1) change(read(location.hash));
  }
  frame = network.frame = null; // the last one was of another network
  controls();
  network.build(plan);
  address();
  $("operation").replaceChildren();
  $("where").textContent = "";
  backward.steps = [];
  $("sample").max = plan.rows[0] - 1;
  if ($("backward").open) $("compute").click();
}

function address() {
  const hash = written(plan.settings);
  if (hash !== location.hash) history.replaceState(null, "", hash);
}

function fill(select, options) {
  select.replaceChildren(...options.map(([value, text]) => Object.assign(document.createElement("option"), { value, textContent: text })));
}

// A value that is not among the usual ones is added to them.
function choose(select, value) {
  if (![...select.options].some((o) => o.value === String(value))) select.append(Object.assign(document.createElement("option"), { value, textContent: value }));
  select.value = String(value);
}

function controls() {
  const s = plan.settings, several = plan.features.length > 2, made = plan.choices.data.find(([name]) => name === s.data);
  const data = drawing ? "drawn" : s.data; // which it is when there are points enough
  $("data").value = data;
  $("made").hidden = data === "drawn" || data === "csv";
  $("draw").hidden = data !== "drawn";
  if (s.data === "drawn") points = s.points.map((p) => [...p]);
  const noise = s.noise ?? made?.[2] ?? 0;
  for (const [id, value] of [["samples", s.samples], ["noise", noise]]) { $(id).value = value; $(`${id}-out`).textContent = value; }
  $("target-box").hidden = s.data !== "csv";
  fill($("target"), plan.columns.map((n) => [n, n]));
  $("target").value = s.target;
  $("axes").hidden = !several;
  for (const k of [0, 1]) {
    fill($(`axis${k}`), plan.features.map((n, i) => [i, n]));
    $(`axis${k}`).value = plan.axes[k];
  }
  fill($("loss-name"), plan.losses.map((n) => [n, n.replaceAll("_", " ")]));
  $("loss-name").value = plan.loss;
  fill($("lr"), RATES.map((n) => [n, n]));
  choose($("lr"), s.lr);
  choose($("dropout"), s.dropout);
  choose($("decay"), s.decay);
  choose($("momentum"), s.momentum);
  $("optimizer").value = s.optimizer;
  const [, taken] = plan.choices.optimizers.find(([name]) => name === s.optimizer);
  for (const id of ["momentum", "batch", "decay"]) $(id).parentElement.hidden = !taken.includes(id);
  $("batch").value = s.batch;
  $("seed").value = s.seed;
  const [across, up] = plan.axes.map((axis, k) => plan.features[axis] + (plan.edges[k] ? `, ${plan.edges[k].map(short).join(" to ")}` : ""));
  $("across").textContent = across;
  $("up").textContent = up ?? (plan.task === "regression" ? plan.target : "");
  $("score-name").textContent = plan.classes.length ? "Test accuracy" : "Test R²";
  const rows = plan.rows.map((n) => n.toLocaleString("en"));
  const about = [...(s.data === "csv" ? [`${plan.file}:`] : []), ...(made ? [`${made[1][0].toUpperCase()}${made[1].slice(1)}.`] : []), `${rows[0]} rows to train on, ${rows[1]} to test with (ringed).`];
  if (several) about.push("The other features are at their means.");
  $("about").textContent = [...about, ...plan.notes].join(" ");
  legend();
  pad();
}

function legend() {
  const box = $("legend");
  if (plan.classes.length) {
    box.replaceChildren(...plan.classes.map((name, i) => {
      const item = document.createElement("span"), dot = document.createElement("i");
      dot.style.background = css(classColour(i, plan.classes.length));
      item.append(dot, plan.settings.data === "csv" || plan.settings.data === "drawn" ? name : `class ${name}`);
      return item;
    }));
  } else {
    const ramp = Object.assign(document.createElement("canvas"), { width: 255, height: 1 }), pen = ramp.getContext("2d"), image = pen.createImageData(255, 1);
    new Uint32Array(image.data.buffer).forEach((_, i, pixels) => { pixels[i] = colours()[(i - 127) & 255]; });
    pen.putImageData(image, 0, 0);
    const span = Object.assign(document.createElement("span"), { className: "ramp" });
    span.append(short(plan.ends[0]), ramp, short(plan.ends[1]));
    box.replaceChildren(span);
  }
}

// --- what changes ----------------------------------------------------------------------------

let step = -1;
function draw() {
  if (!plan || !frame) return;
  const playing = frame.playing;
  if (asked === playing || frame.message) asked = null; // training may have ended before it was seen
  $("play").classList.toggle("playing", playing);
  $("play").ariaLabel = playing ? "Pause" : "Play";
  $("count").textContent = frame.step.toLocaleString("en");
  $("epochs").textContent = frame.epoch < 100 ? frame.epoch.toFixed(1) : Math.floor(frame.epoch).toLocaleString("en");
  $("loss").textContent = short(frame.loss[0]);
  $("test").textContent = short(frame.loss[1]);
  $("score").textContent = frame.score[1] === null ? "–" : plan.classes.length ? `${(frame.score[1] * 100).toFixed(0)}%` : frame.score[1].toFixed(3);
  $("speed").value = frame.speed;
  if (!playing) $("summary").textContent = `Step ${frame.step}. Loss in training ${short(frame.loss[0])}, in the test ${short(frame.loss[1])}.`;
  $("back").disabled = frame.step === 0;
  if (frame.message) warn(frame.message);
  else if (playing) warn("");
  $("moment").max = frame.furthest;
  if (document.activeElement !== $("moment") || playing) $("moment").value = frame.step;
  $("moment-out").textContent = `step ${frame.step.toLocaleString("en")} of ${frame.furthest.toLocaleString("en")}`;
  network.draw(frame);
  drawSurface();
  drawChart($("chart"), frame);
  if (going !== null && going !== frame.step) { send({ do: "goto", step: going }); }
  going = null;
  if (frame.step !== step) { step = frame.step; graph.changed(); }
}

function drawSurface() {
  const last = plan.sizes.length - 1, held = network.held, [k, i] = held ?? [last, 0], n = plan.sizes[k];
  const start = network.starts[k - 1];
  if (k === last && n > 1 && (!held || n > 2)) {
    if (n > 2) shadeClasses(picture, frame.surfaces, start, n, plan);
    else shade(picture, frame.surfaces, start, n, 1, plan);
  } else shade(picture, frame.surfaces, start, n, i, plan);
  if (plan.axes.length === 1 && plan.task === "regression" && !held) {
    Object.assign(picture, { width: 1, height: 1 });
    picture.getContext("2d").clearRect(0, 0, 1, 1);
  }
  drawOutput($("surface"), picture, plan, frame, held && k < last);
}

// --- drawing points --------------------------------------------------------------------------

let points = [], cursor = [0, 0], timer = 0;
const brush = () => Number(document.querySelector("[name=brush]:checked").value);
function pad() {
  if ($("draw").hidden) return;
  const { pen, width, height } = sheet($("pad")), classes = Math.max(2, ...points.map((p) => p[2] + 1));
  for (const [x, y, c] of points) {
    pen.beginPath();
    pen.arc(((x + 1) / 2) * width, ((1 - y) / 2) * height, 4, 0, 7);
    pen.fillStyle = css(classColour(c, classes));
    pen.fill();
  }
  if (document.activeElement === $("pad")) {
    pen.strokeStyle = css(classColour(brush(), classes));
    pen.strokeRect(((cursor[0] + 1) / 2) * width - 6, ((1 - cursor[1]) / 2) * height - 6, 12, 12);
  }
}
function add(x, y) {
  if (points.length >= 1000) return;
  points.push([Math.round(x * 1e3) / 1e3, Math.round(y * 1e3) / 1e3, brush()]);
  drawn();
}
function drawn() {
  pad();
  clearTimeout(timer);
  const [first, second, third] = [0, 1, 2].map((c) => points.filter((p) => p[2] === c).length), { fewest } = plan.choices;
  if (Math.min(first, second, third || fewest) < fewest) $("drawn").textContent = `Class 1: ${first}, class 2: ${second}${third ? `, class 3: ${third}` : ""}. Each needs ${fewest} points at least.`;
  else {
    $("drawn").textContent = `${points.length} points.`;
    timer = setTimeout(() => change({ data: "drawn", points, loss: null, axes: [0, 1] }), 250);
  }
}
const spot = (event) => { const r = $("pad").getBoundingClientRect(); return [((event.clientX - r.left) / r.width) * 2 - 1, 1 - ((event.clientY - r.top) / r.height) * 2]; };
let before = null;
$("pad").onpointerdown = (event) => { before = spot(event); $("pad").setPointerCapture(event.pointerId); add(...before); };
$("pad").onpointermove = (event) => {
  const now = spot(event);
  if (!before || Math.hypot(now[0] - before[0], now[1] - before[1]) < 0.09) return;
  before = now;
  if (Math.max(...now.map(Math.abs)) <= 1) add(...now);
};
$("pad").onpointerup = $("pad").onpointercancel = () => { before = null; };
$("pad").onfocus = $("pad").onblur = pad;
$("pad").onkeydown = (event) => {
  const move = { ArrowLeft: [-0.1, 0], ArrowRight: [0.1, 0], ArrowUp: [0, 0.1], ArrowDown: [0, -0.1] }[event.key];
  if (move) cursor = cursor.map((v, i) => Math.max(-1, Math.min(1, v + move[i])));
  else if (event.key === "Enter") add(...cursor);
  else if (event.key === "Backspace") { points.pop(); drawn(); }
  else return;
  event.preventDefault();
  pad();
};
$("erase").onclick = () => { points = []; drawn(); };

// --- controls --------------------------------------------------------------------------------

function toggle() {
  asked = !(asked ?? frame?.playing);
  send({ do: asked ? "play" : "pause" });
}
const goTo = (to) => {
  if (going === null) send({ do: "goto", step: to });
  going = to;
};
const numeric = (id) => { if ($(id).checkValidity() && $(id).value !== "") change({ [id]: Number($(id).value) }); else { $(id).reportValidity(); controls(); } };
$("play").onclick = toggle;
$("step").onclick = () => send({ do: "step" });
$("epoch").onclick = () => send({ do: "epoch" });
$("back").onclick = () => frame?.step && send({ do: "goto", step: frame.step - 1 });
$("restart").onclick = () => { warn(""); send({ do: "restart" }); };
$("speed").onchange = () => send({ do: "speed", speed: Number($("speed").value) });
$("moment").oninput = () => goTo(Number($("moment").value));
$("data").onchange = () => {
  const data = $("data").value;
  warn("");
  drawing = data === "drawn";
  if (data === "csv" && !plan.columns.length) { controls(); $("csv").click(); return warn("Choose a CSV file, with the button under the data."); }
  if (drawing) { controls(); return points.length && drawn(); }
  change({ data, noise: null, loss: null, axes: [0, 1] });
};
$("target").onchange = () => change({ target: $("target").value, loss: null, axes: [0, 1] });
for (const k of [0, 1]) $(`axis${k}`).onchange = () => {
  const axes = [...plan.axes], to = Number($(`axis${k}`).value);
  if (axes[1 - k] === to) axes[1 - k] = axes[k];
  axes[k] = to;
  change({ axes });
};
for (const id of ["samples", "noise"]) {
  $(id).oninput = () => { $(`${id}-out`).textContent = $(id).value; };
  $(id).onchange = () => numeric(id);
}
for (const id of ["seed", "batch", "lr", "dropout", "decay", "momentum"]) $(id).onchange = () => numeric(id);
$("loss-name").onchange = () => change({ loss: $("loss-name").value });
$("optimizer").onchange = () => {
  const optimizer = $("optimizer").value, was = plan.settings;
  // L-BFGS looks for the length of its steps itself, and begins with this one
  change({ optimizer, lr: optimizer === "lbfgs" ? 1 : was.optimizer === "lbfgs" && was.lr === 1 ? 0.02 : was.lr });
};
$("more").onclick = () => change({ hidden: [...plan.settings.hidden, plan.settings.hidden.at(-1) ?? 4] });
$("fewer").onclick = () => change({ hidden: plan.settings.hidden.slice(0, -1) });
$("csv").onchange = async () => {
  const file = $("csv").files[0];
  if (!file) return;
  $("csv").value = "";
  drawing = false;
  warn("");
  if (file.size > plan.limit[0]) return warn(plan.limit[1]);
  $("about").textContent = `Reading ${file.name} …`;
  try {
    const answer = await (await fetch(`table?name=${encodeURIComponent(file.name)}`, { method: "POST", body: file })).json();
    if (!answer.error) return;
    warn(answer.error);
  } catch { warn("The file could not be sent; is the playground still running?"); }
  controls();
};
$("copy").onclick = async () => {
  try { await navigator.clipboard.writeText(location.hash); $("copied").textContent = "Copied."; } catch { $("copied").textContent = location.hash; }
};
addEventListener("hashchange", () => { drawing = false; change(read(location.hash)); });
addEventListener("resize", () => requestAnimationFrame(draw));
dark.addEventListener("change", () => { if (plan) { legend(); pad(); draw(); } });
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input,select,button,summary,a,#pad")) return;
  const act = { " ": toggle, ".": $("step").onclick, ",": $("back").onclick }[event.key];
  if (act && frame) { event.preventDefault(); act(); }
});
