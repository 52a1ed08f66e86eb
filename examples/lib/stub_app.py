"""A stand-in for an application: an HTTP server inside the demo whose answers can be changed while it runs.

    app = stack.app("pbs")                                        # or App(port=8000)
    app.route("/health", body='{"status": "ok"}')
    app.route("/metrics", body=app.metrics.text)                  # text, or a function that gives it
    app.route("/health", status=503)                              # changed: what is not said stays as it was
    app.route("/health", latency=0.3, headers={"Retry-After": "60"})
    app.require = ("X-API-Key", "secret")                         # 401 without it
    app.stop(); app.start()                                       # gone, and there again
"""
from __future__ import annotations

import socket
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Labels = tuple[tuple[str, str], ...]


class Metrics:
    """An application's own metrics, in Prometheus's text format."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._types: dict[str, str] = {}
        self._values: dict[str, dict[Labels, float]] = {}
        self._buckets: dict[str, list[float]] = {}

    def gauge(self, name: str, value: float, **labels: str) -> None:
        with self._lock:
            self._types[name] = "gauge"
            self._values.setdefault(name, {})[tuple(labels.items())] = value

    def add(self, name: str, by: float = 1.0, **labels: str) -> None:
        """Counts; `by` 0 makes the series known."""
        with self._lock:
            self._types[name] = "counter"
            series = self._values.setdefault(name, {})
            series[tuple(labels.items())] = series.get(tuple(labels.items()), 0.0) + by

    def observe(self, name: str, value: float, times: int = 1, *, buckets: tuple[float, ...] = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5),
                **labels: str) -> None:
        """An observation of a histogram."""
        bounds = [*map(repr, buckets), "+Inf"]
        with self._lock:
            self._types[name] = "histogram"
            for bound in bounds:
                key = (*labels.items(), ("le", bound))
                series = self._values.setdefault(f"{name}_bucket", {})
                series[key] = series.get(key, 0.0) + (times if value <= float(bound) else 0)
            for suffix, by in (("_sum", value * times), ("_count", times)):
                series = self._values.setdefault(name + suffix, {})
                series[tuple(labels.items())] = series.get(tuple(labels.items()), 0.0) + by

    def text(self) -> str:
        lines = []
        with self._lock:
            for name, kind in self._types.items():
                lines.append(f"# TYPE {name} {kind}")
                for full in [name] if kind != "histogram" else [f"{name}_bucket", f"{name}_sum", f"{name}_count"]:
                    for labels, value in self._values.get(full, {}).items():
                        inner = ",".join(f'{key}="{text}"' for key, text in labels)
                        lines.append(f"{full}{{{inner}}} {value}" if inner else f"{full} {value}")
        return "\n".join(lines) + "\n"


@dataclass
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Answer:
    status: int = 200
    body: str | Callable[[], str] = "ok\n"
    headers: dict[str, str] = field(default_factory=dict)
    latency: float = 0.0


class App:
    """Listens at once. `tls` is (certificate file, key file)."""

    def __init__(self, *, name: str = "app", host: str = "127.0.0.1", port: int, tls: tuple[str, str] | None = None) -> None:
        self.name, self.host, self.port, self.tls = name, host, port, tls
        self.metrics = Metrics()
        self.require: tuple[str, str] | None = None
        self.asked: Counter[str] = Counter()
        self.requests: list[Request] = []
        self._routes: dict[str, Answer | Callable[[Request], Answer]] = {}
        self._lock = threading.Lock()
        self._server: ThreadingHTTPServer | None = None
        self._open: set[socket.socket] = set()
        self.start()

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}"

    def route(self, path: str, handler: Callable[[Request], Answer] | None = None, **changes: Any) -> None:
        """What is answered at the path: a function of the request, or `status`, `body`, `headers`, `latency`."""
        with self._lock:
            if handler is not None:
                self._routes[path] = handler
                return
            known = self._routes.get(path)
            before = known.__dict__ if isinstance(known, Answer) else {}
            self._routes[path] = Answer(**{**before, **changes})

    def start(self) -> None:
        if self._server is not None:
            return
        app = self

        class Handler(_Handler):
            owner = app

        class Server(ThreadingHTTPServer):
            address_family = socket.AF_INET6 if ":" in app.host else socket.AF_INET
            daemon_threads = True
            allow_reuse_address = True
            request_queue_size = 128

            def handle_error(self, request: Any, client_address: Any) -> None:
                pass  # whoever asked has gone

        server = Server((self.host, self.port), Handler)
        if self.tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*self.tls)
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        self._server = server

    def stop(self) -> None:
        """Gone: nobody listens any more, and what was open is closed."""
        server, self._server = self._server, None
        if server is None:
            return
        server.shutdown()
        server.server_close()
        with self._lock:
            for connection in self._open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def answer(self, request: Request) -> Answer:
        path = request.path.partition("?")[0]
        with self._lock:
            self.asked[path] += 1
            self.requests = [*self.requests[-999:], request]
            route = self._routes.get(path)
        if self.require and request.headers.get(self.require[0].lower()) != self.require[1]:
            return Answer(status=401, body='{"error": "unauthorized"}\n')
        if route is None:
            return Answer(status=404, body="not found\n")
        return route(request) if not isinstance(route, Answer) else route


class _Handler(BaseHTTPRequestHandler):
    owner: App
    protocol_version = "HTTP/1.1"
    timeout = 60

    def setup(self) -> None:
        super().setup()
        with self.owner._lock:
            self.owner._open.add(self.connection)

    def finish(self) -> None:
        with self.owner._lock:
            self.owner._open.discard(self.connection)
        super().finish()

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        answer = self.owner.answer(Request(self.command, self.path, headers, body))
        if answer.latency:
            time.sleep(answer.latency)
        text = answer.body() if callable(answer.body) else answer.body
        content = text.encode()
        self.send_response(answer.status)
        kind = "application/json" if text.startswith(("{", "[")) else "text/plain; version=0.0.4; charset=utf-8"
        for name, value in {"Content-Type": kind, **answer.headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_HEAD = _serve
