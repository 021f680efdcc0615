"""Hostile input is looked at in a process of its own, with little memory and little time.

The child is a fresh Python without Django: it inherits no environment, no open files and no
database. What it answers is JSON, and read only up to a limit.
"""

import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
MOST_OUTPUT = 64 * 1024 * 1024
_MAIN = "from controlplane.core.sandbox import main; main()"


class Failed(Exception):
    """The child gave no answer. `reason`: "time", "memory", "crash" or "output"."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


def run(function: str, argument: Any, *, seconds: int = 20, memory_mb: int = 1024) -> Any:
    """What `function` ("package.module:name") makes of `argument`, both as JSON.

    `seconds` are of CPU; the clock on the wall may show twice as many. Raises Failed.
    """
    request = json.dumps(
        {"function": function, "argument": argument, "seconds": seconds, "memory_mb": memory_mb}
    )
    child = subprocess.Popen(  # noqa: S603  (our own interpreter with a constant program)
        # -S and -E would lose the virtual environment; -P keeps the current folder out of sys.path.
        [sys.executable, "-P", "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); {_MAIN}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd="/",
        env={"PATH": os.defpath, "LANG": "C.UTF-8", "OMP_NUM_THREADS": "1"},
        close_fds=True,
    )
    try:
        output, errors = child.communicate(request.encode(), timeout=2 * seconds + 5)
    except subprocess.TimeoutExpired as error:
        child.kill()
        child.communicate()
        raise Failed("time", f"no answer after {error.timeout:.0f} s") from error
    if child.returncode != 0:
        raise Failed(*_cause(child.returncode, errors.decode(errors="replace")))
    if len(output) > MOST_OUTPUT:
        raise Failed("output", f"{len(output)} bytes")
    return json.loads(output)


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
