"""The embedded services together: started in order, described as environment, stopped."""

import base64
import fcntl
import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from deploy.embedded.external import read_external
from deploy.embedded.n8n import N8n, Settings
from deploy.embedded.n8n_owner import create_key, has_owner, key_is_valid, set_up_owner
from deploy.embedded.ports import HOST, choose_port, is_free
from deploy.embedded.postgres import Postgres
from deploy.embedded.processes import Process, Processes
from deploy.embedded.progress import Reporter, Step
from deploy.embedded.redis import Redis
from deploy.embedded.state import State

OWNER_EMAIL = "owner@pergola.example"

# Names in embedded.env that are nobody's business but this package's.
_PRIVATE = "EMBEDDED_"


class Stack:
    """PostgreSQL, Redis and n8n under `root/var`; those named in the environment are used instead.

    `var` moves the data elsewhere (a second stack for tests, say), `n8n_host` shares one installed
    n8n between several stacks, `durable=False` trades safety against power cuts for speed.
    What already runs is taken over; `stop()` ends only what this object started.
    """

    def __init__(
        self,
        root: Path,
        *,
        var: Path | None = None,
        n8n_host: Path | None = None,
        durable: bool = True,
        reporter: Reporter | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        root = root.resolve()
        self.var = var.resolve() if var else root / "var"
        self.reporter = reporter or Reporter()
        self.state = State(self.var / "embedded.env")
        self.external = read_external(os.environ if environ is None else environ)
        self.processes = Processes(self.var)
        self._durable = durable
        self.postgres = Postgres(self.var, self.processes, durable=durable)
        self.redis = Redis(self.var, self.processes, durable=durable)
        self.n8n = N8n(self.var, self.processes, host=n8n_host or root / "var" / "n8n-host")
        self._started: list[tuple[Postgres | Redis | N8n, Process]] = []

    def start(
        self,
        *,
        postgres: bool = True,
        redis: bool = True,
        n8n: bool = True,
        node_pack: Path | None = None,
    ) -> None:
        """Start what is asked for and does not run yet; stops it again when something fails.

        `node_pack` is a tarball of nodes to install into n8n before it starts.
        """
        n8n = n8n and not self.external.n8n
        try:
            with self._one_at_a_time():
                self._settle_own_values()
                # n8n always keeps its tables in the embedded cluster, so it needs one even where
                # Pergola's own database is elsewhere.
                if (postgres and not self.external.database) or n8n:
                    self._start_postgres()
                if redis and not self.external.redis:
                    self._start_redis()
                if n8n:
                    self._start_n8n(node_pack)
        except BaseException:
            self.stop()
            raise

    def stop(self, *, everything: bool = False) -> None:
        """Stop what this object started, or with `everything` also what an earlier run left."""
        if everything:
            found = [(service, service.running()) for service in self._services()]
            self._started = [(service, process) for service, process in found if process]
        while self._started:
            service, process = self._started.pop()
            with self.reporter.step(f"Stopping {service.name}"):
                service.stop(process)

    def restart_n8n(self) -> None:
        """Stop n8n and start it with the same settings, as a reboot of its server would."""
        process = self.n8n.running()
        taken_over = process is not None and all(own != process for _, own in self._started)
        self._started = [entry for entry in self._started if entry[0] is not self.n8n]
        if process is not None:
            with self.reporter.step("Stopping n8n"):
                self.n8n.stop(process)
        self._ensure(
            self.n8n, "n8n again", lambda step: self.n8n.start(self._n8n_settings(), step=step)
        )
        if taken_over:
            # It belongs to whoever started it first; leaving it to them keeps `stop` predictable.
            self._started.pop()

    def environment(self) -> dict[str, str]:
        """The variables that the control plane reads; those given from outside win."""
        own = {
            key: value for key, value in self.state.values().items() if not key.startswith(_PRIVATE)
        }
        if self.external.n8n:
            own.pop("N8N_OWNER_EMAIL", None)
            own.pop("N8N_OWNER_PASSWORD", None)
        return own | self.external.values

    def status(self) -> dict[str, Process | None]:
        """Each service and the process that it runs as."""
        return {service.name: service.running() for service in self._services()}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _services(self) -> Iterable[Postgres | Redis | N8n]:
        return (self.postgres, self.redis, self.n8n)

    @contextmanager
    def _one_at_a_time(self) -> Iterator[None]:
        """Two starts in the same folder would each think that the service is theirs to start."""
        self.var.mkdir(parents=True, exist_ok=True)
        with (self.var / "embedded.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            # Another start may have written while we waited.
            self.state = State(self.state.path)
            yield

    def _settle_own_values(self) -> None:
        """Keys and the web address of Pergola itself."""
        self.state.keep_secret("SECRET_KEY")
        self.state.keep("ENCRYPTION_KEYS", _fernet_key)
        # A port that somebody else took since last time is replaced, unless services run: then
        # it is most likely our own web server that listens on it.
        if not any(self.status().values()):
            # People know 8000; tests leave it to the demo that somebody starts beside them.
            preferred = [8000, 8080] if self._durable else []
            port = self._settle_port(f"{_PRIVATE}WEB_PORT", preferred=preferred)
            self.state.update({"PUBLIC_URL": f"http://localhost:{port}"})

    def _settle_port(self, key: str, *, preferred: Iterable[int] = ()) -> int:
        kept = self.state.get(key)
        if kept is None or not is_free(int(kept)):
            kept = str(choose_port(preferred=preferred))
            self.state.update({key: kept})
        return int(kept)

    def _start_postgres(self) -> None:
        names = ("superuser", "owner", "app", "n8n")
        passwords = {
            name: self.state.keep_secret(f"{_PRIVATE}POSTGRES_{name.upper()}_PASSWORD")
            for name in names
        }

        def start(step: Step) -> Process:
            port = self._settle_port(f"{_PRIVATE}POSTGRES_PORT")
            return self.postgres.start(port=port, passwords=passwords, step=step)

        self._ensure(self.postgres, "PostgreSQL", start)
        address = f"{HOST}:{self.state[f'{_PRIVATE}POSTGRES_PORT']}/pergola"
        self.state.update(
            {
                "DATABASE_URL": f"postgresql://pergola_app:{passwords['app']}@{address}",
                "DATABASE_OWNER_URL": f"postgresql://pergola_owner:{passwords['owner']}@{address}",
            }
        )

    def _start_redis(self) -> None:
        password = self.state.keep_secret(f"{_PRIVATE}REDIS_PASSWORD")

        def start(step: Step) -> Process:
            port = self._settle_port(f"{_PRIVATE}REDIS_PORT")
            return self.redis.start(port=port, password=password, step=step)

        self._ensure(self.redis, "Redis", start)
        port = self.state[f"{_PRIVATE}REDIS_PORT"]
        self.state.update({"REDIS_URL": f"redis://:{password}@{HOST}:{port}/0"})

    def _start_n8n(self, node_pack: Path | None) -> None:
        with self.reporter.step(f"Installing n8n {self.n8n.version}") as step:
            self.n8n.install(step=step)
        pack_is_new = False
        if node_pack is not None:
            with self.reporter.step("Installing the Pergola nodes into n8n") as step:
                pack_is_new = self.n8n.install_node_pack(node_pack, step=step)
        if pack_is_new and self.n8n.running() is not None:
            self.restart_n8n()

        def start(step: Step) -> Process:
            self._settle_port(f"{_PRIVATE}N8N_PORT", preferred=[5678])
            self._settle_port(f"{_PRIVATE}N8N_BROKER_PORT")
            return self.n8n.start(self._n8n_settings(), step=step)

        self._ensure(self.n8n, "n8n", start)
        self.state.update({"N8N_URL": self._n8n_settings().url})
        self._settle_api_key()

    def _n8n_settings(self) -> Settings:
        password = self.state.keep("N8N_OWNER_PASSWORD", lambda: f"P{secrets.token_hex(10)}")
        return Settings(
            port=int(self.state[f"{_PRIVATE}N8N_PORT"]),
            broker_port=int(self.state[f"{_PRIVATE}N8N_BROKER_PORT"]),
            database_port=int(self.state[f"{_PRIVATE}POSTGRES_PORT"]),
            database_password=self.state[f"{_PRIVATE}POSTGRES_N8N_PASSWORD"],
            encryption_key=self.state.keep_secret(f"{_PRIVATE}N8N_ENCRYPTION_KEY"),
            owner_email=self.state.keep("N8N_OWNER_EMAIL", lambda: OWNER_EMAIL),
            gallery_url=f"{self.environment()['PUBLIC_URL']}/api/gallery",
            owner_password_hash=self.state.keep(
                f"{_PRIVATE}N8N_OWNER_PASSWORD_HASH", lambda: self.n8n.hash_password(password)
            ),
        )

    def _settle_api_key(self) -> None:
        url = self.state["N8N_URL"]
        with self.reporter.step("API key of n8n's owner") as step:
            kept = self.state.get("N8N_API_KEY")
            if kept is not None and key_is_valid(url, kept):
                step.skip("the one from before is valid")
                return
            email, password = self.state["N8N_OWNER_EMAIL"], self.state["N8N_OWNER_PASSWORD"]
            if not has_owner(url):
                # An older n8n knows none of the variables that name its owner.
                set_up_owner(url, email=email, password=password)
            self.state.update({"N8N_API_KEY": create_key(url, email=email, password=password)})

    def _ensure(
        self, service: Postgres | Redis | N8n, label: str, start: Callable[[Step], Process]
    ) -> None:
        with self.reporter.step(f"Starting {label}") as step:
            if service.running() is not None:
                step.skip("it runs already")
                return
            try:
                process = start(step)
            except BaseException:
                # Also on Ctrl-C while it was getting ready: nobody else knows of it yet.
                if (unready := service.running()) is not None:
                    service.stop(unready)
                raise
            self._started.append((service, process))


def _fernet_key() -> str:
    return base64.urlsafe_b64encode(os.urandom(32)).decode()
