"""Which system account a server runs under that refuses to run as root, as PostgreSQL does.

An ordinary user simply runs it. Root (containers, CI machines) runs it as an account that every
system has already, `postgres` or `nobody`; none is created. That account may be unable to enter
the folder that Pergola lies in (`/root`, a private temporary folder). Instead of opening those
folders to everybody, the server is then given the one capability that lets it pass through.
"""

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from deploy.embedded.errors import StartFailed

_CANDIDATES = ("postgres", "nobody")


@dataclass(frozen=True)
class Account:
    """How to run a command: `prefix` before it, `ids` for the child when no prefix switches."""

    prefix: tuple[str, ...] = ()
    ids: tuple[int, int] | None = None
    owner: tuple[int, int] | None = None

    def give(self, folder: Path) -> None:
        """Create a private folder that belongs to the account."""
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        self.own(folder)

    def own(self, path: Path) -> None:
        """Make the account the owner of a file or folder."""
        if self.owner is not None:
            os.chown(path, *self.owner)


def choose_account(program: Path, folder: Path) -> Account:
    """The account that can run the program and enter the folder; raises StartFailed if none.

    A folder that already belongs to an ordinary account stays with it.
    """
    if os.geteuid() != 0:
        return Account()
    holder = folder.stat()
    ids = (holder.st_uid, holder.st_gid) if holder.st_uid != 0 else _existing_account()
    probe = [shutil.which("test") or "/usr/bin/test", "-x", str(folder), "-a", "-x", str(program)]
    if _succeeds(probe, ids=ids) and _succeeds([str(program), "--version"], ids=ids):
        return Account(ids=ids, owner=ids)
    prefix = (
        *("setpriv", f"--reuid={ids[0]}", f"--regid={ids[1]}", "--clear-groups"),
        *("--inh-caps=+dac_override", "--ambient-caps=+dac_override", "--"),
    )
    if shutil.which("setpriv") and _succeeds([*prefix, str(program), "--version"], ids=None):
        return Account(prefix=prefix, owner=ids)
    raise StartFailed(
        f"PostgreSQL refuses to run as root, and the account with the id {ids[0]} cannot reach "
        f"{program} or {folder}. Run this as an ordinary user, or let others pass through the "
        "folders above (chmod o+x)."
    )


def child_identity(
    ids: tuple[int, int] | None,
) -> tuple[int | None, int | None, list[int] | None]:
    """`user`, `group` and `extra_groups` for a child process; all None means: as we are."""
    return (ids[0], ids[1], []) if ids else (None, None, None)


def _existing_account() -> tuple[int, int]:
    for name in _CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return entry.pw_uid, entry.pw_gid
    raise StartFailed(
        "PostgreSQL refuses to run as root, and this system has neither a 'postgres' nor a "
        "'nobody' account to run it under. Run this as an ordinary user."
    )


def _succeeds(command: list[str], *, ids: tuple[int, int] | None) -> bool:
    user, group, others = child_identity(ids)
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            check=False,
            cwd="/",
            user=user,
            group=group,
            extra_groups=others,
        )
    except (PermissionError, FileNotFoundError):
        return False
    return done.returncode == 0
