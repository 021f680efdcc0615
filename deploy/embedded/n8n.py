"""An n8n of our own: installed once from npm, configured by its environment, started, stopped."""

import hashlib
import json
import shutil
import subprocess
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from deploy.embedded.errors import StartFailed
from deploy.embedded.node import PackageCount, node_program, run_npm, search_path
from deploy.embedded.ports import HOST
from deploy.embedded.processes import Process, Processes, wait_until_ready
from deploy.embedded.progress import Step

MANIFEST = Path(__file__).parent.parent / "n8n"
_PARTS = ("package.json", "package-lock.json")

# Install scripts stay off: only drivers that are not used here have any that matter.
_INSTALL = (
    *("install", "--ignore-scripts", "--legacy-peer-deps", "--no-audit", "--no-fund"),
    *("--fetch-retries=6", "--fetch-timeout=120000"),
)

# Nothing is reported, fetched or offered: it starts faster, and works without the internet.
_QUIET = {
    "N8N_DIAGNOSTICS_ENABLED": "false",
    "N8N_VERSION_NOTIFICATIONS_ENABLED": "false",
    "N8N_TEMPLATES_ENABLED": "false",
    "N8N_PERSONALIZATION_ENABLED": "false",
    "N8N_HIRING_BANNER_ENABLED": "false",
    "N8N_DYNAMIC_BANNERS_ENABLED": "false",
    "N8N_LICENSE_AUTO_RENEW_ENABLED": "false",
    "N8N_DISABLED_MODULES": "mcp-registry,instance-ai,insights,agents,chat-hub,mcp",
}


@dataclass(frozen=True)
class Settings:
    """What an n8n needs to know; all of it is kept between runs."""

    port: int
    broker_port: int
    database_port: int
    database_password: str
    encryption_key: str
    owner_email: str
    owner_password_hash: str
    gallery_url: str = ""
    """Where its editor's templates come from; empty: it shows none."""

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"


class N8n:
    """One n8n process with its user folder; `host` is where the npm package is installed.

    `manifest` is the folder with its package.json, and its lock if it has one.
    """

    name = "n8n"

    def __init__(
        self,
        var: Path,
        processes: Processes,
        *,
        host: Path | None = None,
        manifest: Path = MANIFEST,
    ) -> None:
        self._var = var
        self._manifest = manifest
        self._host = host or var / "n8n-host"
        self._user_folder = var / "n8n"
        self._processes = processes
        # For benches, which compare n8n's own settings.
        self.extra: dict[str, str] = {}

    @property
    def version(self) -> str:
        manifest = json.loads((self._manifest / "package.json").read_text())
        return str(manifest["dependencies"]["n8n"])

    def running(self) -> Process | None:
        return self._processes.find(self.name)

    def installed(self) -> bool:
        return self._stamp().exists() and self._stamp().read_text() == self._wanted()

    def install(self, *, step: Step) -> None:
        """Install n8n from its lock file; does nothing when that very set is in place."""
        if self.installed():
            step.skip(f"version {self.version} is installed")
            return
        self._host.mkdir(parents=True, exist_ok=True)
        self._stamp().unlink(missing_ok=True)
        for part in self._parts():
            shutil.copyfile(part, self._host / part.name)
        count = PackageCount(self._host)
        log = self._var / "log" / "n8n-install.log"
        run_npm(
            [*_INSTALL],
            cwd=self._host,
            log=log,
            while_running=lambda: step.update(f"{count}; once only, some minutes"),
        )
        self._stamp().write_text(self._wanted())
        step.done(str(count))

    def install_node_pack(self, tarball: Path, *, step: Step) -> bool:
        """Install a package of nodes; False when this very tarball is installed already.

        n8n reads nodes when it starts: restart it when this returns True.
        """
        folder = self._user_folder / ".n8n" / "nodes"
        stamp = folder / f"{_package_name(tarball)}.sha256"
        digest = hashlib.sha256(tarball.read_bytes()).hexdigest()
        if stamp.exists() and stamp.read_text() == digest:
            step.skip(f"{tarball.name} is installed")
            return False
        folder.mkdir(parents=True, exist_ok=True)
        stamp.unlink(missing_ok=True)
        manifest = folder / "package.json"
        if not manifest.exists():
            manifest.write_text('{"name": "installed-nodes", "private": true, "dependencies": {}}')
        # Away with the former one: npm keeps what has the same version, changed or not.
        shutil.rmtree(folder / "node_modules" / _package_name(tarball), ignore_errors=True)
        (folder / "node_modules" / ".package-lock.json").unlink(missing_ok=True)
        kept = folder / tarball.name
        shutil.copyfile(tarball, kept)
        run_npm(
            [*_INSTALL, "--no-package-lock", f"./{kept.name}"],
            cwd=folder,
            log=self._var / "log" / "node-pack-install.log",
        )
        stamp.write_text(digest)
        step.done(tarball.name)
        return True

    def hash_password(self, password: str) -> str:
        """The bcrypt hash of the owner's password, made by the library that n8n itself uses."""
        script = "process.stdin.on('data', d => console.log("
        script += "require('bcryptjs').hashSync(String(d), 10)))"
        command = [str(node_program()), "-e", script]
        done = subprocess.run(
            command, input=password, capture_output=True, text=True, check=False, cwd=self._host
        )
        if done.returncode != 0:
            raise StartFailed(f"n8n's owner password could not be hashed:\n{done.stderr.strip()}")
        return done.stdout.strip()

    def start(self, settings: Settings, *, step: Step) -> Process:
        """Start n8n and wait until its interface answers; the first start creates its tables."""
        self._user_folder.mkdir(parents=True, exist_ok=True)
        process = self._processes.start(
            self.name,
            [str(node_program()), "node_modules/n8n/bin/n8n", "start"],
            environment=environment(settings, self._user_folder) | self.extra,
            cwd=self._host,
        )
        wait_until_ready(
            process,
            lambda: is_ready(settings.url),
            timeout=300,
            step=step,
            waiting_for="waiting for n8n (its first start creates its tables)",
        )
        return process

    def stop(self, process: Process) -> None:
        self._processes.stop(process, patience=35)

    def _stamp(self) -> Path:
        return self._host / ".installed"

    def _parts(self) -> list[Path]:
        return [part for name in _PARTS if (part := self._manifest / name).exists()]

    def _wanted(self) -> str:
        digest = hashlib.sha256()
        for part in self._parts():
            digest.update(part.read_bytes())
        return digest.hexdigest()


def environment(settings: Settings, user_folder: Path) -> dict[str, str]:
    """Everything n8n is told. Nothing of our own environment reaches it, or workflows see it."""
    return _QUIET | {
        "PATH": search_path(),
        "HOME": str(user_folder),
        "TZ": "UTC",
        "GENERIC_TIMEZONE": "UTC",
        "NODE_ENV": "production",
        "NODE_OPTIONS": "--max-old-space-size=512",
        "DB_TYPE": "postgresdb",
        "DB_POSTGRESDB_HOST": HOST,
        "DB_POSTGRESDB_PORT": str(settings.database_port),
        "DB_POSTGRESDB_DATABASE": "n8n",
        "DB_POSTGRESDB_USER": "pergola_n8n",
        "DB_POSTGRESDB_PASSWORD": settings.database_password,
        "N8N_LISTEN_ADDRESS": HOST,
        "N8N_HOST": HOST,
        "N8N_PORT": str(settings.port),
        "N8N_PROTOCOL": "http",
        "N8N_SECURE_COOKIE": "false",
        "N8N_WEBHOOK_URL": f"{settings.url}/",
        "N8N_EDITOR_BASE_URL": f"{settings.url}/",
        "N8N_RUNNERS_BROKER_PORT": str(settings.broker_port),
        "N8N_ENCRYPTION_KEY": settings.encryption_key,
        "N8N_USER_FOLDER": str(user_folder),
        "N8N_INSTANCE_OWNER_MANAGED_BY_ENV": "true",
        "N8N_INSTANCE_OWNER_EMAIL": settings.owner_email,
        "N8N_INSTANCE_OWNER_FIRST_NAME": "Pergola",
        "N8N_INSTANCE_OWNER_LAST_NAME": "Operator",
        "N8N_INSTANCE_OWNER_PASSWORD_HASH": settings.owner_password_hash,
        # Otherwise "activate" answers before the webhook exists.
        "N8N_USE_WORKFLOW_PUBLICATION_SERVICE": "false",
        **_gallery(settings.gallery_url),
    }


def _gallery(url: str) -> dict[str, str]:
    return {"N8N_TEMPLATES_ENABLED": "true", "N8N_TEMPLATES_HOST": url} if url else {}


def is_ready(url: str) -> bool:
    """Whether the server is up and its REST interface is behind it, which comes a little later."""
    return _answers(f"{url}/healthz/readiness") and _answers(f"{url}/rest/settings")


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as response:  # noqa: S310
            return bool(response.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def _package_name(tarball: Path) -> str:
    """`n8n-nodes-pergola` of `n8n-nodes-pergola-0.1.0.tgz`, as npm names its tarballs."""
    return tarball.name.removesuffix(".tgz").rpartition("-")[0] or tarball.stem
