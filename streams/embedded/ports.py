"""Loopback ports for the embedded servers."""

from __future__ import annotations

import secrets
import socket
from contextlib import ExitStack

from streams.errors import MachineError

LOOPBACK = "127.0.0.1"
# Below the ports that systems give to outgoing connections (Linux: from 32768): a client that retries against
# a stopped server could otherwise be given the server's own port, and keep it from coming back.
_SERVER_PORTS = range(12_000, 32_000)


def free_ports(count: int) -> list[int]:
    """`count` different ports on which nothing listens; held until all are known, then released."""
    with ExitStack() as held:
        return [_hold_any(held) for _ in range(count)]


def choose_port(wanted: int, option: str) -> int:
    """`wanted` if it is free, any free port if it is 0.

    Raises:
        MachineError: somebody listens on `wanted`; `option` is the command-line option to name.
    """
    if wanted == 0:
        return free_ports(1)[0]
    try:
        _bound(wanted).close()
    except OSError as error:
        raise MachineError(
            f"port {wanted} on {LOOPBACK} cannot be used ({error.strerror}): stop what listens there, "
            f"or choose another one with `{option} PORT` (0 takes any free one)"
        ) from error
    return wanted


def _hold_any(held: ExitStack) -> int:
    for _ in range(1_000):
        port = secrets.choice(_SERVER_PORTS)
        try:
            held.enter_context(_bound(port, share=False))
        except OSError:
            continue
        return port
    raise MachineError(f"no free port on {LOOPBACK}: stop servers that are not needed")


def _bound(port: int, *, share: bool = True) -> socket.socket:
    """A socket bound to the port; with `share`, as servers do it, lingering old connections do not matter."""
    holder = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(share))
    try:
        holder.bind((LOOPBACK, port))
    except OSError:
        holder.close()
        raise
    return holder
