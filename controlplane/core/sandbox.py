"""Hostile input is looked at in a process of its own, with little memory and little time.

The child is a fresh Python without Django: it inherits no environment, no open files and no
database. What it answers is JSON, and read only up to a limit. There are few of them at a time,
since each may take as much memory as all the rest of the server; and of those one tenant has at
most half (`turns`), so that its slow documents leave room for the others'.
"""

import json
import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import IO, Any

from controlplane.core.errors import DomainError
from controlplane.core.turns import Turns, Waited, entered_key

ROOT = Path(__file__).resolve().parents[2]
MOST_OUTPUT = 64 * 1024 * 1024
AT_ONCE = max(2, os.cpu_count() or 2)
"""In each process of the server. More than there are processors would only slow one another down
until they ran out of time, and what runs out of time is quarantined."""
PATIENCE = 300.0
_MOST_ERRORS = 64 * 1024
_PIECE = 64 * 1024
# The package's own module would load Celery, which takes longer than most documents do.
_BARE = f"""
import sys, types
sys.path.insert(0, {str(ROOT)!r})
package = sys.modules["controlplane"] = types.ModuleType("controlplane")
package.__path__ = [{str(ROOT / "controlplane")!r}]
"""


_turns = Turns(AT_ONCE)


class Busy(DomainError):
    """Nothing was said about the document: it was not looked at."""

    code = "server_busy"
    status = 503
    title = "The server is busy"


class Failed(Exception):
    """The child gave no answer. `reason`: "time", "memory", "crash" or "output"."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


class Late(Failed):
    """The clock on the wall ran out before the CPU time: perhaps the server had too much to do."""


def run(function: str, argument: Any, *, seconds: int = 20, memory_mb: int = 1024) -> Any:
    """What `function` ("package.module:name") makes of `argument`, both as JSON.

    `seconds` are of CPU; the clock on the wall may show twice as many. Raises Failed; Busy
    where the tenant's own share, or all places, stay taken.
    """
    request = json.dumps(
        {"function": function, "argument": argument, "seconds": seconds, "memory_mb": memory_mb}
    )
    with _room():
        return _answer_of(request.encode(), wait=2 * seconds + 5)


@contextmanager
def _room() -> Iterator[None]:
    """A place among the few that run; whoever waits holds no database lock for it."""
    with ExitStack() as held:
        try:
            held.enter_context(_turns.turn(entered_key(), patience=PATIENCE))
        except Waited:
            raise Busy(
                "Too many documents are being read at once. Try again in a minute."
            ) from None
        yield


def program(module: str) -> str:
    """Python that runs the module's `main` in a child: without Django, and without Celery."""
    return f"{_BARE}from {module} import main; main()"


def _answer_of(request: bytes, *, wait: float) -> Any:
    child = subprocess.Popen(  # noqa: S603  (our own interpreter with a constant program)
        # -S and -E would lose the virtual environment; -P keeps the current folder out of sys.path.
        [sys.executable, "-P", "-c", program("controlplane.core.sandbox")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd="/",
        env={"PATH": os.defpath, "LANG": "C.UTF-8", "OMP_NUM_THREADS": "1"},
        close_fds=True,
    )
    with child:
        output, errors, is_late = _exchanged(child, request, wait)
    if is_late:
        raise Late("time", f"no answer after {wait:.0f} s")
    if len(output) > MOST_OUTPUT:
        raise Failed("output", f"more than {MOST_OUTPUT} bytes")
    if child.returncode != 0:
        raise Failed(*_cause(child.returncode, errors.decode(errors="replace")))
    return json.loads(output)


def _exchanged(
    child: subprocess.Popen[bytes], request: bytes, wait: float
) -> tuple[bytearray, bytearray, bool]:
    """What the child said, the end of what it complained of, and whether it took too long.

    Neither is kept beyond its limit; the child is dead afterwards.
    """
    assert child.stdin is not None
    assert child.stdout is not None
    assert child.stderr is not None
    output, errors = bytearray(), bytearray()
    threads = [
        threading.Thread(target=work, args=arguments, daemon=True)
        for work, arguments in (
            (_listen, (child.stdout, output)),
            (_ask, (child.stdin, request)),
            (_overhear, (child.stderr, errors)),
        )
    ]
    ends = time.monotonic() + wait
    for thread in threads:
        thread.start()
    threads[0].join(wait)
    is_late = threads[0].is_alive()
    if not is_late and len(output) <= MOST_OUTPUT:
        try:
            child.wait(max(0.1, ends - time.monotonic()))
        except subprocess.TimeoutExpired:
            is_late = True
    child.kill()  # which does nothing to one that has ended
    for thread in threads:
        thread.join()
    return output, errors, is_late


def _ask(stdin: IO[bytes], request: bytes) -> None:
    with suppress(OSError):  # it died before it had read everything
        stdin.write(request)
        stdin.close()


def _listen(stdout: IO[bytes], output: bytearray) -> None:
    while len(output) <= MOST_OUTPUT and (piece := os.read(stdout.fileno(), _PIECE)):
        output.extend(piece)


def _overhear(stderr: IO[bytes], errors: bytearray) -> None:
    while piece := os.read(stderr.fileno(), _PIECE):
        errors.extend(piece)
        del errors[:-_MOST_ERRORS]


def _cause(code: int, errors: str) -> tuple[str, str]:
    told = errors.strip().splitlines()[-1:] or [f"exit status {code}"]
    if "MemoryError" in errors or "bad_alloc" in errors or "Out of memory" in errors:
        return "memory", told[0]
    # SIGXCPU, or SIGKILL at the hard limit.
    if code in {-24, -9}:
        return "time", "the CPU time was used up"
    return "crash", told[0][:300]


def main() -> None:
    """The child: limits first, then the import, then the work."""
    request = json.loads(sys.stdin.buffer.read())
    _limit(seconds=request["seconds"], memory_mb=request["memory_mb"])
    module, _colon, name = request["function"].partition(":")
    function: Callable[[Any], Any] = getattr(import_module(module), name)
    # The libraries that read PDFs print warnings; the answer has the standard output to itself.
    answer, sys.stdout = sys.stdout, sys.stderr
    answer.write(json.dumps(function(request["argument"])))
    answer.flush()


def _limit(*, seconds: int, memory_mb: int) -> None:
    memory = memory_mb * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
