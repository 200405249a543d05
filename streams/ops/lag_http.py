"""HTTP of the lag exporter: /metrics, /livez, /readyz."""

from __future__ import annotations

import socket
from http.server import ThreadingHTTPServer
from typing import Any, Final

import structlog
from prometheus_client import CollectorRegistry, MetricsHandler

from streams.core.lag import Measurement
from streams.errors import MachineError
from streams.ops.lag_metrics import LagCollector
from streams.ops.lag_monitor import LagMonitor
from streams.ops.lag_rows import LagRows

log = structlog.get_logger("streams.lag")

#: A measurement ends long before, well or not: clients of Kafka give a request up after 15 s.
_STUCK_SECONDS: Final = 120.0


class Server(ThreadingHTTPServer):
    """Listens when it is made, answers in `serve_forever`.

    One thread per request: while a scrape waits for Kafka a probe is answered.

    Raises:
        OSError: the port is taken, or the host is not one of this machine's.
    """

    daemon_threads = True

    def __init__(self, host: str, port: int, monitor: LagMonitor, rows: LagRows) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.monitor = monitor
        registry = CollectorRegistry()
        registry.register(LagCollector(monitor, rows))
        super().__init__((host, port), type("Handler", (Handler,), {"registry": registry}))

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Not Python's own way, which prints the client's address."""
        log.warning("answer_failed", exc_info=True)


class Handler(MetricsHandler):
    """Answers one connection; `registry` is set by the server."""

    timeout = 30
    server: Server

    def do_GET(self) -> None:  # noqa: N802 (http.server's name)
        path = self.path.partition("?")[0]
        if path == "/metrics":
            super().do_GET()
        elif path == "/livez":
            self._answer(self._why_not_alive())
        elif path == "/readyz":
            self._answer(self._why_not_alive() or self._why_not_ready())
        else:
            self.send_error(404, "Not found: there are /metrics, /livez and /readyz")

    def _why_not_alive(self) -> str:
        silent_seconds = self.server.monitor.silent_seconds
        limit_seconds = self.server.monitor.interval_seconds + _STUCK_SECONDS
        return (
            "" if silent_seconds < limit_seconds else f"no measurement has ended for {silent_seconds:.0f} s"
        )

    def _why_not_ready(self) -> str:
        latest = self.server.monitor.latest
        return "" if isinstance(latest, Measurement) else str(latest)

    def _answer(self, problem: str) -> None:
        body = f"{problem or 'ok'}\n".encode()
        self.send_response(503 if problem else 200)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def listen(host: str, port: int, monitor: LagMonitor, rows: LagRows) -> Server:
    """A server that takes connections.

    Raises:
        MachineError: the port is taken, or the host is not one of this machine's.
    """
    try:
        return Server(host, port, monitor, rows)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise MachineError(
            f"Port {port} on {host}: {reason}; stop what uses it or choose another --port."
        ) from error
