"""The worker process of this server process: started when first needed, replaced when it fails."""

import atexit
import json
import os
import select
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from controlplane.core.errors import DomainError
from controlplane.core.sandbox import program
from controlplane.core.turns import Turns, Waited, entered_key
from controlplane.invoices.rules import worker

# Compiling the largest rules takes 3 s on a quiet machine; a document with 5,000 lines takes 2.
SECONDS = 30.0
COMPILING_SECONDS = 60.0
MOST_ANSWER = 16 * 1024 * 1024
_PROGRAM = program("controlplane.invoices.rules.worker")


class RulesUnavailable(DomainError):
    """The document could not be checked; it is not said to be right or wrong."""

    code = "rules_unavailable"
    status = 503
    title = "The rules could not be run"


class RulesTookTooLong(RulesUnavailable):
    code = "rules_took_too_long"
    status = 422
    title = "Checking the rules took too long"


class Engine:
    """One worker, used by one thread at a time. The others wait, and tenants take turns."""

    def __init__(self) -> None:
        self._turns = Turns(1)
        self._process: subprocess.Popen[bytes] | None = None
        self._compiled: set[Path] = set()
        self._inherited: list[subprocess.Popen[bytes]] = []

    def findings(self, rules: Path, xml: str, *, seconds: float = SECONDS) -> dict[str, Any]:
        """What the rules in the file find in `xml`. Raises RulesUnavailable, RulesTookTooLong."""
        with self._turn(seconds):
            # Apart, so that the time for a document is the document's alone.
            self._compile(rules)
            return self._ask({"rules": str(rules), "xml": xml}, seconds)

    def compile(self, rules: Path) -> None:
        """Have the rules ready. Raises RulesUnavailable."""
        with self._turn(COMPILING_SECONDS):
            self._compile(rules)

    def stop(self) -> None:
        """End the worker; the next document starts another."""
        process, self._process = self._process, None
        self._compiled.clear()
        if process is None:
            return
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()

    def forget(self) -> None:
        """In a forked child: the worker, and perhaps its only place, belong to the parent."""
        self._turns = Turns(1)
        if self._process is not None:
            # The child's copies of the pipes must not keep the worker waiting for its end.
            for stream in (self._process.stdin, self._process.stdout):
                if stream is not None:
                    stream.close()
            self._inherited.append(self._process)
        self._process = None
        self._compiled = set()

    @contextmanager
    def _turn(self, seconds: float) -> Iterator[None]:
        with ExitStack() as held:
            try:
                held.enter_context(
                    self._turns.turn(entered_key(), patience=seconds + COMPILING_SECONDS)
                )
            except Waited:
                raise RulesUnavailable(
                    "Other documents are being checked. Try again in a minute."
                ) from None
            yield

    def _compile(self, rules: Path) -> None:
        if self._process is None or self._process.poll() is not None:
            self.stop()
        if rules not in self._compiled:
            self._ask({"rules": str(rules), "xml": ""}, COMPILING_SECONDS)
            self._compiled.add(rules)

    def _ask(self, request: dict[str, Any], seconds: float) -> dict[str, Any]:
        deadline = time.monotonic() + seconds
        process = self._running()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            # The worker reads the whole request before it works, so this does not wait for it.
            worker.send(process.stdin, request)
            (size,) = struct.unpack(">I", self._read(process, 4, deadline))
            if size > MOST_ANSWER:
                raise OSError(f"an answer of {size} bytes")
            answer: dict[str, Any] = json.loads(self._read(process, size, deadline))
        except TimeoutError as error:
            self.stop()
            raise RulesTookTooLong(
                f"The rules did not finish within {seconds:.0f} s on this document. Have a person "
                "check it, or ask the sender to split it."
            ) from error
        except OSError as error:
            self.stop()
            raise RulesUnavailable(
                "The process that runs the rules ended on this document. It starts again with "
                "the next one; if it happens again, the document needs more memory than it may use."
            ) from error
        if "error" in answer:
            raise RulesUnavailable(
                f"The rules could not be run on this document: {answer['error']}"
            )
        return answer

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            self._process = subprocess.Popen(  # noqa: S603  (our own interpreter, constant program)
                [sys.executable, "-P", "-c", _PROGRAM],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                cwd="/",
                env={"PATH": os.defpath, "LANG": "C.UTF-8"},
                close_fds=True,
            )
        return self._process

    @staticmethod
    def _read(process: subprocess.Popen[bytes], size: int, deadline: float) -> bytes:
        assert process.stdout is not None
        received = bytearray()
        while len(received) < size:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([process.stdout], [], [], left)[0]:
                raise TimeoutError
            piece = os.read(process.stdout.fileno(), min(size - len(received), 1 << 20))
            if not piece:
                raise OSError("the worker has ended")
            received += piece
        return bytes(received)


ENGINE = Engine()
atexit.register(ENGINE.stop)
os.register_at_fork(after_in_child=ENGINE.forget)
