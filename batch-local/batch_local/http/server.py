"""Serves an ASGI application on one port of the loopback interface, from a thread of its own."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Asgi = Callable[[MutableMapping[str, Any], Any, Any], Awaitable[None]]

STOP_S_MAX = 5
"""Seconds until a server that is stopping is left to itself."""


class HttpServer:
    """Listens once it is made; answers once it was started.

    Args:
        port: 0 for a free one.

    Raises:
        OSError: the port is taken.
    """

    def __init__(self, port: int) -> None:
        self._listener = _listening(port)
        self.port: int = self._listener.getsockname()[1]
        self._loop: asyncio.AbstractEventLoop | None = None
        self._request_to_stop: Callable[[], None] | None = None
        self._ready = threading.Event()
        self._trouble: BaseException | None = None

    def start(self, make_app: Callable[[], Asgi]) -> None:
        """Requests are answered when this returns.

        Args:
            make_app: called in the thread that serves.

        Raises:
            RuntimeError: the application did not start.
        """
        self._thread = threading.Thread(
            target=self._serve, args=(make_app,), name="http", daemon=True
        )
        self._thread.start()
        self._ready.wait()
        if self._trouble is not None:
            raise RuntimeError(f"the server did not start: {self._trouble}") from self._trouble

    def call_soon(self, function: Callable[..., object], *args: object) -> None:
        """Call it in the thread that serves; from any thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(function, *args)

    def stop(self) -> None:
        """Close the port."""
        if self._request_to_stop is None:  # it never served
            self._listener.close()
        else:
            self._request_to_stop()
            self._thread.join(timeout=STOP_S_MAX)

    def _serve(self, make_app: Callable[[], Asgi]) -> None:
        try:
            asyncio.run(self._serve_until_stopped(make_app()))
        except BaseException as error:
            self._trouble = error
            raise
        finally:
            self._ready.set()

    async def _serve_until_stopped(self, app: Asgi) -> None:
        from uvicorn import Config, Server

        self._loop = asyncio.get_running_loop()

        async def watched_app(scope: Any, receive: Any, send: Any) -> None:
            async def watched(message: Any) -> None:
                await send(message)
                if message["type"] == "lifespan.startup.complete":
                    self._ready.set()

            await app(scope, receive, watched if scope["type"] == "lifespan" else send)

        server = Server(
            Config(
                watched_app,
                http="httptools",
                ws="none",
                lifespan="on",
                log_level="error",
                access_log=False,
                proxy_headers=False,  # no proxy is before it
                server_header=False,
                date_header=False,  # the application writes one, if it does
                timeout_keep_alive=75,
                timeout_graceful_shutdown=1,
            )
        )
        self._request_to_stop = lambda: setattr(server, "should_exit", True)
        await server.serve(sockets=[self._listener])


def _listening(port: int) -> socket.socket:
    """A socket of TCP by name: asyncio sets TCP_NODELAY on no other, and without it a response in
    two writes waits 40 ms for an acknowledgement."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen()
    except OSError:
        listener.close()
        raise
    return listener
