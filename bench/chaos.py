"""Events that are each sent one to five times, while whatever carries them is killed at random.

The sender keeps a ledger of its own: an event counts as sent once it was answered with 2xx, and it
is sent again until then. At the end each event in it has to have had exactly one effect. Killed are
the web server, the relay, what stands in for n8n (it claims and acts as a workflow does), and the
connections of the database. `BENCH_EVENTS` has fewer events for a try.
"""

import json
import os
import random
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import psycopg
from psycopg import sql

from bench.intake import _answers, _prepared
from bench.run import Report
from controlplane.events import shopify
from deploy.embedded.ports import choose_port
from deploy.embedded.progress import Reporter
from deploy.embedded.stack import Stack

NEEDS_DATA = False
ROOT = Path(__file__).resolve().parent.parent
VAR = ROOT / "var" / "bench-chaos"
EVENTS = int(os.environ.get("BENCH_EVENTS", "10000"))
SENDERS = 4
SEED = 20261127
# Seconds between two kills.
BETWEEN = (0.5, 2.0)
PATIENCE = 600


class Children:
    """Processes that are started again whenever they were killed."""

    def __init__(self, commands: dict[str, list[str]], environment: dict[str, str]) -> None:
        self._commands, self._environment = commands, environment
        self._running = {name: self._start(name) for name in commands}
        self._lock = threading.Lock()

    def _start(self, name: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self._commands[name], cwd=ROOT, env=self._environment, start_new_session=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def kill(self, name: str) -> None:
        """With everything that it started, and at once."""
        with self._lock:
            process = self._running[name]
            os.killpg(process.pid, 9)
            process.wait()
            self._running[name] = self._start(name)

    def stop(self) -> None:
        with self._lock:
            for process in self._running.values():
                os.killpg(process.pid, 9)
                process.wait()


def run(data: Path, report: Report) -> dict[str, Any]:
    stack = Stack(ROOT, var=VAR, reporter=Reporter(), environ={})
    with stack:
        stack.start(n8n=False)
        web, hook = choose_port(), choose_port()
        environment = {**os.environ, **stack.environment(), "LOG_LEVEL": "CRITICAL"}
        environment |= {"DJANGO_SETTINGS_MODULE": "controlplane.settings", "WEB_THREADS": "4"}
        VAR.mkdir(parents=True, exist_ok=True)
        tenant = _prepared(environment, kept=VAR / "tenant.json")
        key = _listening(environment, tenant["slug"], f"http://127.0.0.1:{hook}")
        commands = {
            "web": [
                *(sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1"),
                *("--port", str(web), "--workers", "1", "--blocking-threads", "4"),
                "controlplane.wsgi:application",
            ],
            "relay": [sys.executable, "manage.py", "relay"],
            "n8n's stand-in": [
                *(sys.executable, "-m", "bench.events.stand_in", str(hook)),
                *(f"http://127.0.0.1:{web}", key),
            ],
        }
        children = Children(commands, environment)
        try:
            found = _run(children, web, tenant, environment, report)
        finally:
            children.stop()
    return found


def _run(
    children: Children,
    web: int,
    tenant: dict[str, str],
    environment: dict[str, str],
    report: Report,
) -> dict[str, Any]:
    until = time.monotonic() + 60
    while not _answers(web):
        if time.monotonic() > until:
            raise RuntimeError("the web server did not answer within a minute")
        time.sleep(0.1)
    stop, kills = threading.Event(), Counter[str]()
    killer = threading.Thread(target=_kill, args=(children, environment, stop, kills))
    killer.start()
    try:
        ledger, deliveries = _send(web, tenant)
    finally:
        stop.set()
        killer.join()
    effects = _effects(environment, tenant["slug"], ledger)
    lost = [event for event in ledger if not effects[event]]
    twice = [event for event in ledger if effects[event] > 1]
    for name, count in kills.items():
        report.row(measure="kills", what=name, count=count)
    report.table("Killed", ["what", "times"], [[name, count] for name, count in kills.items()])
    return {
        "events": len(ledger),
        "deliveries": deliveries,
        "kills": sum(kills.values()),
        "lost": len(lost),
        "duplicated": len(twice),
    }


def _listening(environment: dict[str, str], slug: str, url: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "bench.events.listening", slug, url],
        cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    return done.stdout.strip().splitlines()[-1]


def _kill(
    children: Children, environment: dict[str, str], stop: threading.Event, kills: Counter[str]
) -> None:
    dice = random.Random(SEED)
    targets: dict[str, Callable[[], None]] = {
        name: (lambda name=name: children.kill(name))  # type: ignore[misc]
        for name in ("web", "relay", "n8n's stand-in")
    }
    targets["database connections"] = lambda: _terminate(environment)
    while not stop.wait(dice.uniform(*BETWEEN)):
        name = dice.choice(list(targets))
        targets[name]()
        kills[name] += 1


def _terminate(environment: dict[str, str]) -> None:
    # Of the application's login; who may do that is the owner of these roles or a superuser.
    with psycopg.connect(environment["DATABASE_URL"], autocommit=True) as own:
        own.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE usename = current_user AND pid <> pg_backend_pid()"
        )


def _send(web: int, tenant: dict[str, str]) -> tuple[list[str], int]:
    """The events that were taken, and how often anything was sent."""
    ledger: list[str] = []
    sent = Counter[str]()
    lock = threading.Lock()

    def work(first: int) -> None:
        dice = random.Random(SEED + first)
        for number in range(first, EVENTS, SENDERS):
            body = json.dumps({"id": number, "name": f"#{number}", "run": tenant["run"]}).encode()
            headers = {
                "Host": "localhost",
                "Content-Type": "application/json",
                shopify.SIGNATURE_HEADER: shopify.sign(body, tenant["secret"]),
                shopify.TOPIC_HEADER: "orders/create",
                shopify.ID_HEADER: f"{tenant['run']}-{number}",
            }
            wanted, event = dice.randint(1, 5), ""
            while wanted:
                try:
                    answer = httpx.post(
                        f"http://127.0.0.1:{web}/in/{tenant['slug']}/shop",
                        content=body, headers=headers, timeout=10, trust_env=False,
                    )  # fmt: skip
                except httpx.HTTPError:
                    time.sleep(0.2)
                    continue
                with lock:
                    sent["all"] += 1
                if answer.is_success:
                    wanted -= 1
                    event = answer.json()["event_id"]
                else:
                    time.sleep(0.2)
            with lock:
                ledger.append(event)

    tenant["run"] = uuid.uuid4().hex[:8]
    threads = [threading.Thread(target=work, args=(number,)) for number in range(SENDERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return ledger, sent["all"]


def _effects(environment: dict[str, str], slug: str, ledger: list[str]) -> Counter[str]:
    """How often each event was acted on: asked until all were, or for ten minutes."""
    until = time.monotonic() + PATIENCE
    while True:
        with psycopg.connect(environment["DATABASE_OWNER_URL"]) as owner:
            rows = owner.execute(
                sql.SQL(
                    "SELECT subject_id FROM {}.audit_entry"
                    " WHERE action = 'chaos.done' AND subject_id = ANY(%s)"
                ).format(sql.Identifier(f"t_{slug.replace('-', '_')}")),
                [ledger],
            ).fetchall()
        found = Counter(str(subject) for (subject,) in rows)
        if len(found) >= len(ledger) or time.monotonic() > until:
            return found
        time.sleep(1)
