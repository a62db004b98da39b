"""Who may talk to the playground: a page that this server gave out, and nobody else.

The address has a random token in it, which other users of the machine and other pages in the
browser do not know. The checks of Host and Origin are for pages that make the browser believe that
their own name is this machine ("DNS rebinding"), and for requests that such pages send.
"""

from __future__ import annotations

import secrets
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",  # an address with the token goes nowhere
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Guard:
    """Lets requests through whose path begins with the token, and answers 403 to all others.

    Args:
        app: what is guarded; it sees paths without the token.
        token: the secret.
        port: of the server on this machine.
    """

    def __init__(self, app: ASGIApp, token: str, port: int) -> None:
        self._app = app
        self._token = token
        self._hosts = [f"{name}:{port}" for name in ("127.0.0.1", "localhost")]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles a request, as ASGI has it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        token, _, rest = scope["path"].removeprefix("/").partition("/")
        why = self._refusal(token, Headers(scope=scope))
        if why is None:
            inner = {**scope, "path": f"/{rest}", "raw_path": f"/{rest}".encode()}
            await self._app(inner, receive, _with_headers(send))
        elif scope["type"] == "http":
            response = PlainTextResponse(f"403: {why}\n", 403, HEADERS)
            await response(scope, receive, send)
        else:  # before it was accepted, which is answered by 403
            await send({"type": "websocket.close", "code": 1008, "reason": why})

    def _refusal(self, token: str, headers: Headers) -> str | None:
        if headers.get("host", "") not in self._hosts:
            return "the Host header does not name this server"
        origin = headers.get("origin")
        if origin is not None and origin.removeprefix("http://") not in self._hosts:
            return "the request comes from another page"
        if not secrets.compare_digest(token.encode(), self._token.encode()):
            return "the address lacks the token; use the one that baregrad play has printed"
        return None


def _with_headers(send: Send) -> Send:
    async def sender(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).update(HEADERS)
        await send(message)

    return sender
