"""Free TCP ports on the loopback address."""

import random
import socket
from collections.abc import Iterable

HOST = "127.0.0.1"

# Below the range from which systems take ports for outgoing connections (Linux: from 32768), so
# that a port written down today is most likely still free tomorrow.
_RANGE = range(20000, 32000)

_handed_out: set[int] = set()


class NoFreePort(RuntimeError):
    """Every port that was tried is in use."""


def is_free(port: int, *, host: str = HOST) -> bool:
    """Whether a server could listen on the port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # Servers set this too; without it a port just left by a stopped service looks busy.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def choose_port(*, preferred: Iterable[int] = (), host: str = HOST) -> int:
    """The first free port of the preferred ones, else a random one; never the same one twice."""
    candidates = [*preferred, *random.SystemRandom().sample(_RANGE, 200)]
    for port in candidates:
        if port not in _handed_out and is_free(port, host=host):
            _handed_out.add(port)
            return port
    raise NoFreePort(f"None of {len(candidates)} ports tried on {host} is free.")
