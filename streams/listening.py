"""The socket that a server of ours listens on."""

from __future__ import annotations

import socket

from streams.errors import MachineError


def listen(host: str, port: int) -> socket.socket:
    """A listening socket.

    Raises:
        MachineError: the port is taken, or the host is not one of this machine's.
    """
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=1024)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise MachineError(
            f"Port {port} on {host}: {reason}; stop what uses it or choose another --port."
        ) from error
