"""HTTP beside what a process really does: /metrics for Prometheus, /livez and /readyz for orchestrators."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from typing import Any

import structlog
from prometheus_client import CollectorRegistry, MetricsHandler

from streams.config import Settings
from streams.errors import MachineError

log = structlog.get_logger("streams.probes")

#: What is wrong, in one line; '' for nothing.
Problem = Callable[[], str]


class Probes(ThreadingHTTPServer):
    """Listens when it is made, answers in `serve_forever`; one thread per request, so that a slow scrape does
    not hold up a probe.

    Args:
        host: address to bind; `port` 0 takes a free one, see `server_port`.
        registry: what /metrics shows.
        not_alive: why /livez says 503: the process is stuck, and only a restart helps.
        not_ready: why /readyz says 503: it cannot do its work now.
        option: where the port can be changed.

    Raises:
        MachineError: the port is taken, or the host is not one of this machine's.
    """

    daemon_threads = True

    def __init__(
        self,
        host: str,
        port: int,
        registry: CollectorRegistry,
        not_alive: Problem,
        not_ready: Problem,
        option: str = "--port",
    ) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.not_alive = not_alive
        self.not_ready = not_ready
        try:
            super().__init__((host, port), type("Handler", (_Handler,), {"registry": registry}))
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or error
            raise MachineError(
                f"Port {port} on {host}: {reason}; stop what uses it or choose another {option}."
            ) from error

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Not Python's own way, which prints the client's address."""
        log.warning("answer_failed", exc_info=True)


@contextmanager
def served(
    settings: Settings, registry: CollectorRegistry, not_alive: Problem, not_ready: Problem
) -> Iterator[None]:
    """Serve in a thread until the block ends, if a port is set; raises as `Probes` does."""
    if not settings.metrics_port:
        yield
        return
    where = (settings.metrics_host, settings.metrics_port)
    with Probes(*where, registry, not_alive, not_ready, "ENGAGE_METRICS_PORT") as server:
        thread = threading.Thread(target=server.serve_forever, name="probes")
        thread.start()
        log.info("metrics_served", host=settings.metrics_host, port=server.server_port)
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


class _Handler(MetricsHandler):
    """Answers one connection; `registry` is set by the server."""

    timeout = 30
    server: Probes

    def do_GET(self) -> None:  # noqa: N802 (http.server's name)
        path = self.path.partition("?")[0]
        if path == "/metrics":
            super().do_GET()
        elif path == "/livez":
            self._answer(self.server.not_alive())
        elif path == "/readyz":
            self._answer(self.server.not_alive() or self.server.not_ready())
        else:
            self.send_error(404, "Not found: there are /metrics, /livez and /readyz")

    def _answer(self, problem: str) -> None:
        body = f"{problem or 'ok'}\n".encode()
        self.send_response(503 if problem else 200)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
