// Settings as the part of the address behind #, such as #data=moons&hidden=4,4, and back.
const LISTS = ["hidden", "activations", "axes"], TEXTS = ["data", "target", "loss", "optimizer"];

export function written(settings) {
  const out = new URLSearchParams();
  for (const [name, value] of Object.entries(settings)) {
    if (value === null || (name === "points" && settings.data !== "drawn") || (name === "target" && settings.data !== "csv")) continue;
    out.set(name, name === "points" ? value.map((p) => p.join("_")).join("~") : String(value));
  }
  return "#" + out.toString().replaceAll("%2C", ",").replaceAll("%7E", "~");
}

export function read(hash) {
  const settings = { noise: null, loss: null };
  for (const [name, text] of new URLSearchParams(hash.replace(/^#/, ""))) {
    if (name === "points") settings.points = text ? text.split("~").map((p) => p.split("_").map(Number)) : [];
    else if (LISTS.includes(name)) settings[name] = text ? text.split(",").map((x) => (name === "activations" ? x : Number(x))) : [];
    else settings[name] = TEXTS.includes(name) ? text : Number(text);
  }
  return settings;
}
