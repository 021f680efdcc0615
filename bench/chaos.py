"""Events that are each sent one to five times, while whatever carries them is killed at random.

The sender keeps a ledger of its own: an event counts as sent once it was answered with 2xx, and it
is sent again until then. A workflow in a real n8n fetches each event and has one effect for it: an
operation with an Idempotency-Key, which writes into the audit trail. At the end each event of the
ledger has to have had exactly one. Killed are the web server, the relay, Celery's worker, n8n (with
what it runs), and all connections of Pergola's to the database. What fails for good becomes an
exception, and is tried again here as a person would.

n8n uses its `legacy` expression engine: by its default one it takes too few events a second for a
run of minutes. `BENCH_EVENTS` has fewer events for a try; a run of 10,000 writes docs/chaos.md.
"""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psycopg
from psycopg import sql

from bench.events.killing import Children, killed
from bench.events.n8n_side import Side, fetch, http_operation, listening, trigger, webhook
from bench.events.telling import Told, write_report
from bench.intake import _answers, _prepared
from bench.run import Report
from controlplane.events import shopify
from deploy.embedded.ports import choose_port
from deploy.embedded.progress import Reporter
from deploy.embedded.stack import Stack
from deploy.n8n_nodes import build

NEEDS_DATA = False
ROOT = Path(__file__).resolve().parent.parent
VAR = ROOT / "var" / "bench-chaos"
EVENTS = int(os.environ.get("BENCH_EVENTS", "10000"))
FULL = 10_000
SENDERS = 4
SEED = 20261127
# Seconds between two kills. n8n and Celery take some to come back, so they have time to work.
BETWEEN = {"quick": (3.0, 9.0), "slow": (40.0, 70.0)}
PATIENCE = 3600


@dataclass
class Ledger:
    """What the sender knows by itself: by event, how often it was sent."""

    run: str = field(default_factory=lambda: uuid.uuid4().hex[:8])
    sent: dict[str, int] = field(default_factory=dict)
    deliveries: int = 0
    refused: int = 0


def run(data: Path, report: Report) -> dict[str, Any]:
    stack = Stack(ROOT, var=VAR, reporter=Reporter(), environ={})
    stack.n8n.extra = {"N8N_EXPRESSION_ENGINE": "legacy"}
    with stack:
        stack.start(node_pack=build.pack())
        environment = {**os.environ, **stack.environment(), "LOG_LEVEL": "CRITICAL"}
        environment |= {"DJANGO_SETTINGS_MODULE": "controlplane.settings", "WEB_THREADS": "4"}
        environment["ALLOWED_HOSTS"] = "*"
        tenant = _prepared(environment, kept=VAR / "tenant.json")
        web = choose_port()
        celery = [sys.executable, "-m", "celery", "-A", "controlplane", "worker", "--beat"]
        commands = {
            "web": [
                *(sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1"),
                *("--port", str(web), "--workers", "1", "--blocking-threads", "4"),
                "controlplane.wsgi:application",
            ],
            "relay": [sys.executable, "manage.py", "relay"],
            "worker": [
                *celery, "--pool", "threads", "--concurrency", "2",
                "--schedule", str(VAR / "celerybeat-schedule"),
            ],
        }  # fmt: skip
        children = Children(commands, environment)
        try:
            return _run(stack, children, web, tenant, environment, report)
        finally:
            children.stop()


def _run(
    stack: Stack,
    children: Children,
    web: int,
    tenant: dict[str, str],
    environment: dict[str, str],
    report: Report,
) -> dict[str, Any]:
    _wait(lambda: _answers(web), seconds=90, what="the web server")
    _make_workflow(environment, tenant["slug"], f"http://127.0.0.1:{web}")

    def kill_n8n() -> None:
        process = stack.n8n.running()
        if process is not None:
            os.killpg(process.pid, signal.SIGKILL)
        stack.restart_n8n()

    quick: dict[str, Callable[[], None]] = {
        "web server": lambda: children.kill("web"),
        "relay": lambda: children.kill("relay"),
        "database connections": lambda: _terminate(environment),
    }
    slow = {"n8n": kill_n8n, "Celery's worker": lambda: children.kill("worker")}
    began = time.monotonic()
    kills = Counter[str]()
    with (
        killed(quick, between=BETWEEN["quick"], seed=SEED, kills=kills),
        killed(slow, between=BETWEEN["slow"], seed=SEED + 1, kills=kills),
    ):
        ledger = _send(web, tenant)
        # What was sent last meets the kills too.
        time.sleep(min(30.0, EVENTS / 50))
    sent_in = time.monotonic() - began
    _wait(lambda: _answers(web), seconds=90, what="the web server")
    effects, exceptions = _effects(environment, tenant["slug"], list(ledger.sent))
    lost = [event for event in ledger.sent if not effects[event]]
    twice = [event for event in ledger.sent if effects[event] > 1]
    for event, times in ledger.sent.items():
        report.row(measure="event", event=event, sent=times, effects=effects[event])
    for name, count in kills.items():
        report.row(measure="kills", what=name, count=count)
    report.table("Killed", ["what", "times"], [[name, count] for name, count in kills.items()])
    figures = {
        "events": len(ledger.sent),
        "deliveries": ledger.deliveries,
        "kills": sum(kills.values()),
        "lost": len(lost),
        "duplicated": len(twice),
    }
    told = Told(
        figures=figures,
        kills=dict(kills),
        refused=ledger.refused,
        exceptions=exceptions,
        sending_seconds=round(sent_in),
        seconds=round(time.monotonic() - began),
        n8n=stack.n8n.version,
    )
    path = ROOT / "docs" / "chaos.md" if EVENTS >= FULL else report.path.with_suffix(".md")
    write_report(path, told)
    report.say(f"\nThe report is in {path.relative_to(ROOT)}.")
    return figures


def _make_workflow(environment: dict[str, str], slug: str, pergola: str) -> None:
    side = Side(environment)
    key = listening(environment, slug, side.url)
    credentials = side.credential(pergola, key)
    path = f"chaos-{uuid.uuid4().hex[:8]}"
    effect = http_operation(
        "Effect", f"{pergola}/api/v1/operations/audit/record", credentials,
        key="={{ 'chaos:' + $json.event_id }}",
        body="={{ JSON.stringify({ action: 'chaos.done', subject_type: 'event', "
        "subject_id: $json.event_id }) }}",
    )  # fmt: skip
    begin = {**fetch(credentials), "retryOnFail": True, "maxTries": 5, "waitBetweenTries": 3000}
    beside = trigger(credentials, name="Events", webhook_path=path)
    side.activate("Bench chaos", [webhook(path), begin, effect], beside=[beside])
    side.close()


def _terminate(environment: dict[str, str]) -> None:
    # Of the application's login; who may do that is the owner of these roles or a superuser.
    with psycopg.connect(environment["DATABASE_URL"], autocommit=True) as own:
        own.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE usename = current_user AND pid <> pg_backend_pid()"
        )


def _send(web: int, tenant: dict[str, str]) -> Ledger:
    ledger, lock = Ledger(), threading.Lock()
    url = f"http://127.0.0.1:{web}/in/{tenant['slug']}/shop"

    def work(first: int) -> None:
        dice = random.Random(SEED + first)
        client = httpx.Client(timeout=10, trust_env=False)
        for number in range(first, EVENTS, SENDERS):
            body = json.dumps({"id": number, "name": f"#{number}", "run": ledger.run}).encode()
            headers = {
                "Host": "localhost",
                "Content-Type": "application/json",
                shopify.SIGNATURE_HEADER: shopify.sign(body, tenant["secret"]),
                shopify.TOPIC_HEADER: "orders/create",
                shopify.ID_HEADER: f"{ledger.run}-{number}",
            }
            wanted, event, times = dice.randint(1, 5), "", 0
            while wanted:
                try:
                    answer = client.post(url, content=body, headers=headers)
                except httpx.HTTPError:
                    time.sleep(0.2)
                    continue
                times += 1
                if answer.is_success:
                    wanted -= 1
                    event = answer.json()["event_id"]
                else:
                    with lock:
                        ledger.refused += 1
                    time.sleep(0.2)
            with lock:
                ledger.deliveries += times
                ledger.sent[event] = times
        client.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(SENDERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return ledger


def _effects(
    environment: dict[str, str], slug: str, events: list[str]
) -> tuple[Counter[str], dict[str, int]]:
    """How often each event was acted on, once all were and nothing is on its way any more, or after
    an hour; and the exceptions that there were, by type."""
    until = time.monotonic() + PATIENCE
    exceptions: dict[str, int] = {}
    while True:
        found, waiting = _count(environment, slug, events)
        if (len(found) >= len(events) and not waiting) or time.monotonic() > until:
            return found, exceptions
        done = subprocess.run(
            [sys.executable, "-m", "bench.events.retrying", slug],
            cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        exceptions = json.loads(done.stdout.splitlines()[-1])["types"]
        time.sleep(15)


def _count(environment: dict[str, str], slug: str, events: list[str]) -> tuple[Counter[str], int]:
    schema = sql.Identifier(f"t_{slug.replace('-', '_')}")
    with psycopg.connect(environment["DATABASE_OWNER_URL"]) as owner:
        rows = owner.execute(
            sql.SQL(
                "SELECT subject_id FROM {}.audit_entry"
                " WHERE action = 'chaos.done' AND subject_id = ANY(%s)"
            ).format(schema),
            [events],
        ).fetchall()
        waiting = owner.execute("SELECT count(*) FROM events_outboxmessage").fetchone()
    assert waiting is not None
    return Counter(str(subject) for (subject,) in rows), int(waiting[0])


def _wait(look: Callable[[], bool], *, seconds: float, what: str) -> None:
    until = time.monotonic() + seconds
    while not look():
        if time.monotonic() > until:
            raise RuntimeError(f"{what} did not answer within {seconds:g} s")
        time.sleep(0.2)
