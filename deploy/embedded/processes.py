"""Child processes that outlive a function call: started, found again by a later run, stopped.

A record `run/<name>.json` holds the PID and when that process began. A PID alone proves nothing,
because the system gives it to somebody else after a crash or a reboot; nothing is ever stopped
whose beginning is not the recorded one.
"""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from deploy.embedded.accounts import child_identity
from deploy.embedded.errors import StartFailed
from deploy.embedded.progress import Step

# Popen objects of our own children: polling them reaps the dead, and keeping them silences the
# ResourceWarning for those that are meant to live on.
_children: dict[int, subprocess.Popen[bytes]] = {}


@dataclass(frozen=True)
class Process:
    """A running child: enough to find it again and to stop exactly this one."""

    name: str
    pid: int
    began: str
    log: Path


class Processes:
    """The children of one `var` folder: records in `run/`, output in `log/`."""

    def __init__(self, var: Path) -> None:
        self._run = var / "run"
        self._log = var / "log"

    def start(
        self,
        name: str,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        cwd: Path,
        run_as: tuple[int, int] | None = None,
    ) -> Process:
        """Start a child in a session of its own, so that Ctrl-C in the terminal reaches only us.

        `run_as` is a user and group id to run under (only root can ask for that).
        """
        self._run.mkdir(parents=True, exist_ok=True)
        self._log.mkdir(parents=True, exist_ok=True)
        log = self._log / f"{name}.log"
        user, group, others = child_identity(run_as)
        with log.open("ab") as output:
            child = subprocess.Popen(
                list(command),
                env=dict(environment),
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                user=user,
                group=group,
                extra_groups=others,
            )
        _children[child.pid] = child
        process = Process(name, child.pid, beginning_of(child.pid) or "", log)
        record = {"pid": process.pid, "began": process.began, "command": list(command)}
        self._record(name).write_text(json.dumps(record, indent=1))
        return process

    def find(self, name: str) -> Process | None:
        """The child of that name if it still runs; a stale record is removed."""
        record = self._record(name)
        try:
            data = json.loads(record.read_text())
            process = Process(name, int(data["pid"]), str(data["began"]), self._log / f"{name}.log")
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError):
            # Half-written by a crash: it names no process that could be trusted.
            record.unlink(missing_ok=True)
            return None
        if is_running(process):
            return process
        record.unlink(missing_ok=True)
        return None

    def stop(
        self, process: Process, *, ask: signal.Signals = signal.SIGTERM, patience: float = 15.0
    ) -> None:
        """Ask the child to end, wait, then kill what is left of its process group."""
        if is_running(process):
            _signal(lambda: os.kill(process.pid, ask))
            deadline = time.monotonic() + patience
            while is_running(process) and time.monotonic() < deadline:
                time.sleep(0.05)
            # Its own children share its group. As long as one is left the system gives the
            # number to nobody else, so this reaches them or no one.
            _signal(lambda: os.killpg(process.pid, signal.SIGKILL))
            while is_running(process):
                time.sleep(0.02)
            if process.pid in _children:
                # Its first thread may be gone while others still end.
                _children.pop(process.pid).wait()
        self._record(process.name).unlink(missing_ok=True)

    def _record(self, name: str) -> Path:
        return self._run / f"{name}.json"


def wait_until_ready(
    process: Process, ready: Callable[[], bool], *, timeout: float, step: Step, waiting_for: str
) -> None:
    """Wait for `ready()`; raises StartFailed when the child dies or time is up."""
    deadline = time.monotonic() + timeout
    while not ready():
        if not is_running(process):
            raise StartFailed(
                f"{process.name} ended while it was starting. The end of {process.log}:\n"
                f"{tail(process.log)}"
            )
        if time.monotonic() > deadline:
            raise StartFailed(
                f"{process.name} was not ready after {timeout:.0f} s. The end of {process.log}:\n"
                f"{tail(process.log)}"
            )
        step.update(waiting_for)
        time.sleep(0.1)


def is_running(process: Process) -> bool:
    """Whether this very process runs: same PID and same beginning, and not a zombie."""
    runs = process.began != "" and beginning_of(process.pid) == process.began
    child = _children.get(process.pid)
    # Asked last: one that ended since the line above is reaped as well.
    return runs if child is None else child.poll() is None and runs


def beginning_of(pid: int) -> str | None:
    """When the process with this PID began, as its system writes it; None if there is none."""
    try:
        # Fields after the command, which is in parentheses and may itself contain some.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        if Path("/proc/self/stat").exists():
            return None
        return _beginning_by_ps(pid)
    state, ticks = fields[0], fields[19]
    if state in "ZX":
        return None
    return f"{_boot_id()}:{ticks}"


def tail(log: Path, *, lines: int = 15) -> str:
    """The last lines of a log, indented for a message."""
    try:
        text = log.read_text(errors="replace")
    except FileNotFoundError:
        return "    (no log was written)"
    return "\n".join(f"    {line}" for line in text.splitlines()[-lines:])


def _boot_id() -> str:
    # Ticks count from the system's start, so they repeat after the next one.
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _beginning_by_ps(pid: int) -> str | None:
    command = ["ps", "-o", "lstart=", "-o", "stat=", "-p", str(pid)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    began, _, state = answer.rpartition(" ")
    return began.strip() if began and not state.startswith("Z") else None


def _signal(send: Callable[[], None]) -> None:
    with suppress(ProcessLookupError):
        send()
