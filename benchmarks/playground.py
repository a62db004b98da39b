"""How many frames a second the playground gives, and what it trains meanwhile.

A client on this machine takes frames over a real WebSocket from a real server, asking for the next
when it has the last, as the page does; it draws nothing. ``python -m benchmarks.playground``
"""

import json
import statistics
import threading
import time

from websockets.sync.client import connect

from baregrad.play.server import serve
from baregrad.play.session import Session
from baregrad.play.settings import Settings

SECONDS, ROUNDS = 2.0, 5
WANTED = 30  # frames a second
CASES = {
    "2-8-8-1, 500 points": Settings(),
    "2-16-16-16-16-16-16-1, 5,000 points": Settings(
        samples=5000, hidden=(16,) * 6, activations=("tanh",) * 6
    ),
}


def measured(socket, settings, speed):
    """Frames a second, steps a second, and the bytes of a frame."""
    socket.send(json.dumps({"do": "change", "settings": settings._asdict()}))
    socket.send(json.dumps({"do": "speed", "speed": speed}))
    socket.send(json.dumps({"do": "play"}))
    next_frame(socket)
    first, _ = next_frame(socket)
    begin, frames = time.perf_counter(), 0
    while time.perf_counter() - begin < SECONDS:
        last, size = next_frame(socket)
        frames += 1
    taken = time.perf_counter() - begin
    socket.send(json.dumps({"do": "pause"}))
    return frames / taken, (last["step"] - first["step"]) / taken, size


def next_frame(socket):
    socket.send(json.dumps({"do": "next"}))
    while isinstance(message := socket.recv(), str):
        told = json.loads(message)
        assert "error" not in told, told
    length = int.from_bytes(message[:4], "little")
    return json.loads(message[4 : 4 + length]), len(message)


def main():
    addresses = []
    ready = threading.Event()

    def opened(address):
        addresses.append(address)
        ready.set()

    threading.Thread(target=serve, args=(Session(), 0, opened), daemon=True).start()
    ready.wait()
    time.sleep(0.5)
    with connect(addresses[0].replace("http", "ws") + "socket", max_size=None) as socket:
        for name, settings in CASES.items():
            for speed in (300, 0):
                rounds = [measured(socket, settings, speed) for _ in range(ROUNDS)]
                frames, steps, size = (statistics.median(x) for x in zip(*rounds, strict=True))
                least = min(r[0] for r in rounds)
                print(
                    f"{name}, {'full speed' if speed == 0 else f'{speed} steps/s'}: "
                    f"{frames:.0f} frames/s (at least {least:.0f}), {steps:,.0f} steps/s, "
                    f"{size / 1000:.0f} kB a frame; {WANTED} wanted"
                )


if __name__ == "__main__":
    main()
