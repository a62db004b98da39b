// Surfaces, data and loss curves on canvases.
import { classColour, colours, css, ink, mixed, pixel, signed } from "./colours.js";

// A canvas of its size in the page, sharp on every screen; what is drawn is in CSS pixels.
export function sheet(canvas) {
  const scale = devicePixelRatio || 1, width = canvas.clientWidth, height = canvas.clientHeight;
  const [w, h] = [Math.round(width * scale), Math.round(height * scale)];
  if (canvas.width !== w || canvas.height !== h) [canvas.width, canvas.height] = [w, h];
  const pen = canvas.getContext("2d");
  pen.setTransform(scale, 0, 0, scale, 0, 0);
  pen.clearRect(0, 0, width, height);
  return { pen, width, height };
}

// The bytes of neuron `i` of `n`, from `start` on, as pixels.
export function shade(canvas, bytes, start, n, i, plan) {
  const wide = plan.side, high = plan.axes.length > 1 ? plan.side : 1;
  if (canvas.width !== wide) [canvas.width, canvas.height] = [wide, high];
  const pen = canvas.getContext("2d"), image = pen.createImageData(wide, high);
  const pixels = new Uint32Array(image.data.buffer), ramp = colours();
  for (let p = 0, at = start + i; p < pixels.length; p++, at += n) pixels[p] = ramp[bytes[at] & 255];
  pen.putImageData(image, 0, 0);
}

// The winning class at each place, paler where it is less certain.
export function shadeClasses(canvas, bytes, start, n, plan) {
  const wide = plan.side, high = plan.axes.length > 1 ? plan.side : 1;
  [canvas.width, canvas.height] = [wide, high];
  const pen = canvas.getContext("2d"), image = pen.createImageData(wide, high);
  const pixels = new Uint32Array(image.data.buffer), known = new Map();
  for (let p = 0; p < pixels.length; p++) {
    let best = 0;
    for (let c = 1; c < n; c++) if (bytes[start + p * n + c] > bytes[start + p * n + best]) best = c;
    const value = Math.max(0, bytes[start + p * n + best]), key = best * 128 + value;
    if (!known.has(key)) known.set(key, pixel(mixed(classColour(best, n), (0.85 * value) / 127)));
    pixels[p] = known.get(key);
  }
  pen.putImageData(image, 0, 0);
}

export function drawOutput(canvas, picture, plan, frame, held) {
  const { pen, width, height } = sheet(canvas);
  const line = plan.axes.length === 1, regression = plan.task === "regression";
  const [[x0, x1], [y0, y1] = spread(plan)] = plan.ranges;
  const X = (x) => ((x - x0) / (x1 - x0)) * width, Y = (y) => height - ((y - y0) / (y1 - y0)) * height;
  pen.imageSmoothingEnabled = true;
  pen.imageSmoothingQuality = "high";
  pen.globalAlpha = 0.5; // so that the data stands out
  pen.drawImage(picture, 0, 0, width, height);
  pen.globalAlpha = 1;
  plan.points.forEach((points, test) => {
    pen.lineWidth = test ? 1.4 : 1;
    for (const [x, second, third] of points) {
      const value = line ? second : third;
      const y = line ? (regression ? Y(second) : height * (0.25 + (0.5 * second) / Math.max(1, plan.classes.length - 1))) : Y(second);
      const fill = regression ? css(signed(value / plan.largest)) : css(classColour(value, plan.classes.length));
      pen.beginPath();
      pen.arc(X(x), y, test ? 3.4 : 3, 0, 7);
      pen.fillStyle = fill;
      pen.strokeStyle = test ? ink("--ink") : "rgba(255,255,255,.85)";
      pen.fill();
      pen.stroke();
    }
  });
  if (line && regression && !held) {
    pen.beginPath();
    frame.line.forEach((y, i) => pen.lineTo((width * (i + 0.5)) / plan.side, Y(y)));
    Object.assign(pen, { strokeStyle: ink("--ink"), lineWidth: 2.5 });
    pen.stroke();
  }
}

const spread = (plan) => [-1.25 * plan.largest, 1.25 * plan.largest];

export function drawChart(canvas, frame, perEpoch) {
  const { pen, width, height } = sheet(canvas), data = frame.losses, n = data.length / 3;
  const left = 44, bottom = height - 16, right = width - 6;
  pen.font = "11px system-ui";
  pen.fillStyle = ink("--soft");
  if (n < 2) return pen.fillText("Press play: the losses appear here.", left, height / 2);
  let low = Infinity, high = 0;
  for (let i = 0; i < n; i++) for (const k of [1, 2]) [low, high] = [Math.min(low, data[3 * i + k]), Math.max(high, data[3 * i + k])];
  low = Math.max(low, high * 1e-6, 1e-30);
  const top = Math.log10(high * 1.1), floor = Math.min(Math.log10(low * 0.9), top - 0.3), last = data[3 * n - 3];
  const X = (s) => left + (s / last) * (right - left);
  const Y = (v) => bottom - ((Math.log10(Math.max(v, low)) - floor) / (top - floor)) * (bottom - 6);
  pen.strokeStyle = ink("--line");
  pen.lineWidth = 1;
  const decades = Math.max(1, Math.ceil((top - floor) / 5)), ticks = [];
  for (let e = Math.ceil(floor); e <= top; e += decades) ticks.push(10 ** e);
  if (ticks.length < 2) ticks.splice(0, 1, low, high);
  for (const v of ticks) {
    pen.beginPath();
    pen.moveTo(left, Y(v));
    pen.lineTo(right, Y(v));
    pen.stroke();
    pen.fillText(short(v), 2, Y(v) + 4);
  }
  pen.fillText("0", left, height - 3);
  const end = `step ${last.toLocaleString("en")}`;
  pen.fillText(end, right - pen.measureText(end).width, height - 3);
  for (const [k, colour, dash] of [[2, "--test", [5, 3]], [1, "--train", []]]) {
    pen.beginPath();
    for (let i = 0; i < n; i++) pen.lineTo(X(data[3 * i]), Y(data[3 * i + k]));
    Object.assign(pen, { strokeStyle: ink(colour), lineWidth: 2 });
    pen.setLineDash(dash);
    pen.stroke();
  }
  pen.setLineDash([]);
  pen.strokeStyle = ink("--soft");
  pen.lineWidth = 1;
  pen.beginPath();
  pen.moveTo(X(Math.min(frame.step, last)), 2);
  pen.lineTo(X(Math.min(frame.step, last)), bottom);
  pen.stroke();
}

export function short(v) {
  if (v === null || v === undefined) return "∞";
  const size = Math.abs(v), three = Number(v.toPrecision(3));
  if (size >= 1e7 || (size && size < 1e-3)) return v.toExponential(1);
  return size < 1000 ? String(three) : three.toLocaleString("en");
}
