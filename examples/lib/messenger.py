"""Stand-ins for a messenger's servers that speak no plain HTTP: a WebSocket server whose upgrade can be refused, and a gRPC service with a health
check (grpc.health.v1).

    sockets = Sockets(port); sockets.refuse = 503; sockets.refuse = None; sockets.stop()
    gateway = Gateway(port); gateway.serving = False; gateway.stop()
"""
from __future__ import annotations

import asyncio
import http
import threading
from concurrent import futures
from typing import Any


class Sockets:
    """Answers every message with the same. Listens when it is made."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.refuse: int | None = None  # the status that answers an upgrade
        self._loop = asyncio.new_event_loop()
        self._up = threading.Event()
        self._end: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),), daemon=True)
        self._thread.start()
        if not self._up.wait(10):
            raise TimeoutError("the WebSocket server did not come up")

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ws"

    def stop(self) -> None:
        if self._end is not None:
            self._loop.call_soon_threadsafe(self._end.set)
            self._thread.join(5)

    async def _serve(self) -> None:
        import websockets

        async def echo(socket: Any, path: str = "") -> None:
            try:
                async for message in socket:
                    await socket.send(message)
            except websockets.ConnectionClosed:
                pass

        async def upgrade(path: str, headers: Any) -> Any:
            return None if self.refuse is None else (http.HTTPStatus(self.refuse), [], b"no more sockets\n")

        self._end = asyncio.Event()
        async with websockets.serve(echo, "127.0.0.1", self.port, process_request=upgrade, close_timeout=0.1):
            self._up.set()
            await self._end.wait()


class Gateway:
    """grpc.health.v1.Health/Check, by hand: the messages are two bytes. Listens when it is made."""

    def __init__(self, port: int) -> None:
        import grpc
        gateway = self
        self.port, self.serving = port, True

        class Health(grpc.GenericRpcHandler):
            def service(self, details: Any) -> Any:
                if details.method != "/grpc.health.v1.Health/Check":
                    return None
                return grpc.unary_unary_rpc_method_handler(lambda request, context: bytes([8, 1 if gateway.serving else 2]))

        self._server = grpc.server(futures.ThreadPoolExecutor(max_workers=2))
        self._server.add_generic_rpc_handlers((Health(),))
        if self._server.add_insecure_port(f"127.0.0.1:{port}") != port:
            raise OSError(f"port {port} is taken")
        self._server.start()

    @property
    def url(self) -> str:
        return f"grpc://127.0.0.1:{self.port}"

    def stop(self) -> None:
        self._server.stop(0).wait()
