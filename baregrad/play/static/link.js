// The socket: commands go out as JSON, frames come in as bytes; the next is asked for when one is drawn.
const RETRY = [300, 700, 1500, 3000];

export class Link {
  constructor(handlers) {
    this.handlers = handlers;
    this.failures = 0;
    this.open();
  }
  open() {
    const socket = new WebSocket(new URL("socket", location.href.split("#")[0]).href.replace(/^http/, "ws"));
    socket.binaryType = "arraybuffer";
    socket.onopen = () => { this.failures = 0; this.handlers.connected(); this.send({ do: "next" }); };
    socket.onmessage = ({ data }) => {
      if (typeof data === "string") return this.handlers.told(JSON.parse(data));
      this.latest = unpacked(data);
      requestAnimationFrame(() => { this.handlers.frame(this.latest); this.send({ do: "next" }); });
    };
    socket.onclose = ({ code }) => {
      if (code === 4001) return this.handlers.replaced(() => this.open());
      this.handlers.lost();
      setTimeout(() => this.open(), RETRY[Math.min(this.failures++, RETRY.length - 1)]);
    };
    this.socket = socket;
  }
  send(command) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(command));
  }
}

function unpacked(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const frame = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  let at = 4 + length;
  for (const [name, size] of Object.entries(frame.sections)) {
    frame[name] = name === "surfaces" ? new Int8Array(buffer, at, size) : new Float32Array(buffer, at, size / 4);
    at += size;
  }
  return frame;
}
