// Colours: orange for negative, blue for positive, as bytes and as text. Classes have those of Okabe
// and Ito, which colour-blind people can tell apart, and then darker ones.
export const dark = matchMedia("(prefers-color-scheme: dark)");
export const CLASSES = [[213, 94, 0], [0, 114, 178], [0, 158, 115], [204, 121, 167], [230, 159, 0], [86, 180, 233], [136, 34, 85], [128, 128, 128], [110, 98, 20], [240, 228, 66]];
const NEGATIVE = [224, 118, 20], POSITIVE = [16, 112, 184];
let ramp = null;

export const paper = () => (dark.matches ? [34, 40, 48] : [246, 246, 246]);
export const ink = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
export const css = (rgb) => `rgb(${rgb.map(Math.round).join(",")})`;
export const mixed = (rgb, share) => paper().map((p, i) => p + share * (rgb[i] - p));
export const signed = (v) => mixed(v < 0 ? NEGATIVE : POSITIVE, Math.min(1, Math.abs(v)));
dark.addEventListener("change", () => { ramp = null; });

// For each byte from -128 to 127 (at index byte & 255) its colour, as the pixels of a canvas.
export function colours() {
  if (!ramp) {
    ramp = new Uint32Array(256);
    for (let b = -128; b < 128; b++) ramp[b & 255] = pixel(signed(b / 127));
  }
  return ramp;
}
export const pixel = ([r, g, b]) => ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
export const classColour = (number, classes) => (classes === 2 ? [NEGATIVE, POSITIVE][number] : CLASSES[number]);
