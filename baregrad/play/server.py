"""The playground on the web: a page, a socket for commands and frames, and files to take away."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket, WebSocketDisconnect

from baregrad.errors import ArgumentError, BaregradError
from baregrad.files.model import save_model
from baregrad.play.guard import Guard
from baregrad.play.problem import MOST_BYTES, TOO_LARGE
from baregrad.play.script import script
from baregrad.play.session import Session

STATIC: Final = Path(__file__).parent / "static"
HOST: Final = "127.0.0.1"
TAKEN_OVER: Final = 4001  # the code with which a socket is closed when another tab has come
BEAT: Final = 1 / 120  # seconds between looks at what has changed
SWITCH: Final = 0.001  # seconds after which a thread lets others run; 5 ms would delay frames
LARGEST: Final = 1_000_000  # bytes of a command
GONE: Final = (WebSocketDisconnect, RuntimeError)  # a tab, closed by the browser or by another tab
T = TypeVar("T")


class Playground:
    """A session, a thread that trains, and the tab that shows it.

    There is one session. A second tab takes it over: the first is told so and may take it back.
    When the tab is gone, or another takes over, training pauses.

    Args:
        session: what is shown.
        folder: the only one that files are written to.
    """

    def __init__(self, session: Session, folder: Path) -> None:
        self.session = session
        self._folder = folder
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._asking = 0  # of the web's questions that wait; training gives way to them
        self._tab: WebSocket | None = None
        self._thread = threading.Thread(target=self._train, name="training", daemon=True)

    def __enter__(self) -> Playground:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._closed.set()
        self._thread.join()

    def _train(self) -> None:
        last = time.perf_counter()
        while not self._closed.wait(BEAT / 4 if self.session.speed == 0 else BEAT):
            if self._asking:
                continue
            now = time.perf_counter()
            with self._lock:
                try:
                    self.session.tick(now - last)
                except Exception as error:  # told to the person, who can change something
                    self.session.pause()
                    self.session.message = f"{type(error).__name__}: {error}"
            last = now

    async def _asked(self, function: Callable[[], T]) -> T:
        """The result of a function that has the session for itself, without blocking others."""

        def locked() -> T:
            with self._lock:
                return function()

        self._asking += 1
        try:
            return await asyncio.to_thread(locked)
        finally:
            self._asking -= 1

    def app(self) -> Starlette:
        """The web application, not yet guarded."""
        return Starlette(
            routes=[
                Route("/", self._page),
                Mount("/static", StaticFiles(directory=STATIC)),
                Route("/table", self._table, methods=["POST"]),
                Route("/playground.safetensors", self._model),
                Route("/playground.py", self._script),
                WebSocketRoute("/socket", self._socket),
            ]
        )

    # --- pages and files ----------------------------------------------------------------------

    async def _page(self, request: Request) -> Response:
        return FileResponse(STATIC / "index.html")

    async def _table(self, request: Request) -> Response:
        """Takes a CSV file as the body of the request; ``?name=`` is what it is called."""
        content = bytearray()
        async for part in request.stream():
            content += part
            if len(content) > MOST_BYTES:
                return JSONResponse({"error": TOO_LARGE}, 413)
        name = request.query_params.get("name", "table.csv")
        try:
            found = await self._asked(lambda: self.session.load(bytes(content), name))
        except BaregradError as error:
            return JSONResponse({"error": str(error)}, 400)
        return JSONResponse(found)

    async def _model(self, request: Request) -> Response:
        def saved() -> bytes:
            session, path = self.session, self._folder / "playground.safetensors"
            about = {"step": session.trainer.step, "settings": session.settings._asdict()}
            save_model(path, session.trainer.model, session.problem.preprocessor, about)
            return path.read_bytes()

        return _download(await self._asked(saved), "playground.safetensors")

    async def _script(self, request: Request) -> Response:
        def text() -> str:
            session = self.session
            return script(session.settings, session.problem, session.trainer, session.table)

        return _download((await self._asked(text)).encode(), "playground.py")

    # --- the socket ---------------------------------------------------------------------------

    async def _socket(self, tab: WebSocket) -> None:
        await tab.accept()
        before, self._tab = self._tab, tab
        if before is not None:
            with suppress(*GONE):
                await before.close(TAKEN_OVER)
        await self._asked(self.session.pause)
        ready = asyncio.Event()
        sender = asyncio.create_task(self._send_frames(tab, ready))
        try:
            while True:
                await self._receive(tab, await tab.receive_text(), ready)
        except GONE:
            pass
        finally:
            sender.cancel()
            if self._tab is tab:
                self._tab = None
                with self._lock:  # not awaited: this may be the end of the server
                    self.session.pause()

    async def _receive(self, tab: WebSocket, text: str, ready: asyncio.Event) -> None:
        """Does what a tab asks for; ``{"do": "next"}`` means that it has drawn the last frame."""
        try:
            command = json.loads(text)
            if not isinstance(command, dict):
                raise ArgumentError("a command must be an object")
            if command.get("do") == "next":
                ready.set()
                return
            answer = await self._asked(lambda: self.session.do(command))
        except (BaregradError, ValueError, RecursionError) as error:
            answer = {"error": str(error)}
        if answer is not None:
            await tab.send_text(json.dumps(answer))

    async def _send_frames(self, tab: WebSocket, ready: asyncio.Event) -> None:
        """Sends a frame whenever there is a new one and the last was drawn."""
        plan = version = -1  # of what the tab has
        with suppress(*GONE):
            while True:
                await ready.wait()
                while self.session.version == version:
                    await asyncio.sleep(BEAT)
                ready.clear()
                version, seen, plan, frame = await self._asked(partial(self._seen, plan))
                if seen is not None:
                    await tab.send_text(json.dumps(seen))
                await tab.send_bytes(frame)

    def _seen(self, plan: int) -> tuple[int, dict[str, Any] | None, int, bytes]:
        session = self.session
        described = {"plan": session.described()} if plan != session.plan else None
        return session.version, described, session.plan, session.frame()


def _download(content: bytes, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, headers=headers, media_type="application/octet-stream")


def listening(port: int) -> socket.socket:
    """A socket on the loopback interface.

    Raises:
        ArgumentError: the port is in use, or not allowed.
    """
    found = socket.socket()
    if os.name == "posix":  # elsewhere it would let two programs listen
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((HOST, port))
    except (OSError, OverflowError) as error:
        found.close()
        raise ArgumentError(
            f"port {port} cannot be used: {error}; choose another, or 0 for any that is free"
        ) from None
    return found


def serve(session: Session, port: int, opened: Callable[[str], object]) -> None:
    """Runs the playground until Ctrl-C.

    Args:
        session: what is shown.
        port: on the loopback interface; 0 for any that is free.
        opened: is called with the address, when the server listens.

    Raises:
        ArgumentError: as `listening`.
        KeyboardInterrupt: Ctrl-C, when everything is closed.
    """
    with (
        listening(port) as listener,
        tempfile.TemporaryDirectory(prefix="baregrad-play-") as folder,
        Playground(session, Path(folder)) as playground,
    ):
        port, token = listener.getsockname()[1], secrets.token_urlsafe(16)
        config = uvicorn.Config(
            Guard(playground.app(), token, port),
            log_level="warning",
            ws="websockets-sansio",
            ws_max_size=LARGEST,
            timeout_graceful_shutdown=1,
            server_header=False,
        )
        listener.listen()
        sys.setswitchinterval(SWITCH)
        opened(f"http://{HOST}:{port}/{token}/")
        uvicorn.Server(config).run(sockets=[listener])
