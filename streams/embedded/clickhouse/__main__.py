"""`python -m streams.embedded.clickhouse --path DIR --port 8123`: serve until SIGTERM or Ctrl-C."""

from __future__ import annotations

import argparse
import asyncio
import fcntl
import logging
import os
import signal
import socket
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from streams.errors import EngageError, MachineError

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_SHUTDOWN_SECONDS = 5


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m streams.embedded.clickhouse", description=__doc__)
    parser.add_argument(
        "--path", type=Path, required=True, help="directory of the database; created if missing"
    )
    parser.add_argument("--host", default="127.0.0.1", help="loopback address to bind (default: 127.0.0.1)")
    parser.add_argument("--port", type=int, default=8123, help="TCP port (default: 8123)")
    options = parser.parse_args(arguments)
    try:
        with _listen(options.host, options.port) as listener, _locked(options.path) as path:
            asyncio.run(_serve(path, listener))
    except EngageError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


def _listen(host: str, port: int) -> socket.socket:
    if host not in _LOOPBACK:
        raise MachineError(
            f"--host {host}: the embedded ClickHouse has no passwords, so it binds to 127.0.0.1 only."
        )
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if host == "::1" else socket.AF_INET)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise MachineError(
            f"Port {port} on {host}: {reason}; stop what uses it or choose another --port."
        ) from error


@contextmanager
def _locked(path: Path) -> Iterator[Path]:
    """Hold the directory, as chDB allows one process per path. The lock ends with the process."""
    if "?" in str(path):
        raise MachineError(f"--path {path}: chDB cannot open a path with a question mark, choose another.")
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = (path / "front.lock").open("w")
    except OSError as error:
        raise MachineError(
            f"--path {path}: {error.strerror}; choose a directory that can be written."
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise MachineError(
                f"--path {path}: another process serves this database; stop it or choose another."
            ) from error
        yield path.resolve()


async def _serve(path: Path, listener: socket.socket) -> None:
    try:
        from aiohttp import web

        from streams.embedded.clickhouse.engine import Engine
        from streams.embedded.clickhouse.server import TIMEZONE, Front
    except ImportError as error:
        raise MachineError(
            f"{error.name} is not installed; pip install 'engagement-streams[embedded]'."
        ) from error
    # Tracebacks and warnings may hold what clients sent; the front itself says what fails, without it.
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    # chDB takes the server's time zone from the process when it is loaded.
    os.environ["TZ"] = TIMEZONE
    # A name that is no table chDB looks for among the files of the working directory.
    nowhere = path / "nowhere"
    nowhere.mkdir(exist_ok=True)
    os.chdir(nowhere)
    engine = Engine(path)
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    runner = web.AppRunner(
        Front(engine).application(),
        access_log=None,
        auto_decompress=False,
        handler_cancellation=True,
        keepalive_timeout=3600,
        max_line_size=1 << 20,
        max_field_size=128 << 10,
        shutdown_timeout=_SHUTDOWN_SECONDS,
    )
    await runner.setup()
    await web.SockSite(runner, listener).start()
    await stopped.wait()
    await runner.cleanup()
    engine.close()


if __name__ == "__main__":
    sys.exit(main())
