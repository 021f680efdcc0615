"""Durable, verified intake against n8n's own Webhook → Respond on the same machine.

Ours checks a signature, writes event and outbox row, and answers after the commit; n8n's node
checks nothing and keeps nothing but its execution. n8n runs once as it comes (its `vm` expression
engine) and once as fast as it goes (`legacy`, nothing saved). Then the relay: how long a message
takes to its handler, and how fast a backlog drains into a null sink, beside Celery's null task.
"""

import json
import os
import statistics
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import psycopg
import redis

from bench.events.firing import Shot, Volley, fire
from bench.run import Report, percentile
from controlplane.events import shopify
from deploy.embedded.ports import choose_port
from deploy.embedded.processes import Process, Processes, wait_until_ready
from deploy.embedded.progress import Reporter
from deploy.embedded.stack import Stack

NEEDS_DATA = False
ROOT = Path(__file__).resolve().parent.parent
VAR = ROOT / "var" / "bench-intake"
CONNECTIONS = int(os.environ.get("BENCH_CONNECTIONS", "10"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
OURS = int(os.environ.get("BENCH_OURS", "1500"))
THEIRS = int(os.environ.get("BENCH_THEIRS", "150"))
DRAINED = int(os.environ.get("BENCH_DRAINED", "20000"))
CELERY = int(os.environ.get("BENCH_CELERY", "2000"))
FASTEST = {
    "N8N_EXPRESSION_ENGINE": "legacy",
    "EXECUTIONS_DATA_SAVE_ON_SUCCESS": "none",
    "EXECUTIONS_DATA_SAVE_ON_ERROR": "none",
    "EXECUTIONS_DATA_SAVE_MANUAL_EXECUTIONS": "false",
}
PATH = "bench-intake"


def run(data: Path, report: Report) -> dict[str, Any]:
    reporter = Reporter()
    stack = Stack(ROOT, var=VAR, reporter=reporter, environ={})
    processes = Processes(VAR)
    with stack:
        stack.start()
        environment = {**os.environ, **stack.environment(), "LOG_LEVEL": "ERROR"}
        environment |= {"DJANGO_SETTINGS_MODULE": "controlplane.settings", "WEB_THREADS": "4"}
        environment["ALLOWED_HOSTS"] = "*"
        tenant = _prepared(environment)
        web, port = _web(processes, environment)
        try:
            n8n_port = httpx.URL(environment["N8N_URL"]).port or 80
            _make_webhook(environment)
            default = _race("default", port, n8n_port, tenant, report)
            stack.n8n.extra = FASTEST
            stack.restart_n8n()
            fastest = _race("fastest", port, n8n_port, tenant, report)
        finally:
            processes.stop(web)
        stack.restart_n8n()
        relay = _relay(environment, tenant["slug"])
        celery = _celery(processes, environment, report)
    for taken in relay["milliseconds"]:
        report.row(measure="relay", ms=taken)
    drained = relay["drained_per_second"]
    report.table(
        "A backlog into a null sink",
        ["who", "messages/s"],
        [["Pergola's relay (durable)", drained], ["Celery on Redis", celery]],
    )
    return {
        "ratio_default": round(default["ratio"], 1),
        "ratio_fastest": round(fastest["ratio"], 1),
        "p95_ms": round(fastest["p95"], 1),
        "n8n_p95_ms": round(fastest["n8n_p95"], 1),
        "relay_p50_ms": round(percentile(relay["milliseconds"], 50), 1),
        "drain_ratio_celery": round(drained / celery, 1),
    }


def _prepared(environment: dict[str, str], *, kept: Path = VAR / "tenant.json") -> dict[str, str]:
    def python(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, *arguments], cwd=ROOT, env=environment, check=True,
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        return done.stdout

    python("manage.py", "migrate_fleet")
    if kept.exists():
        made: dict[str, str] = json.loads(kept.read_text())
    else:
        made = json.loads(python("-m", "bench.shop.prepare", "1", "--sources").splitlines()[0])
        kept.write_text(json.dumps(made))
    with psycopg.connect(environment["DATABASE_OWNER_URL"]) as owner:
        owner.execute(
            "INSERT INTO tenants_quota (id, created_at, updated_at, tenant_id, resource, amount)"
            " SELECT gen_random_uuid(), now(), now(), id, 'events', 1000000000 FROM tenants_tenant"
            " WHERE slug = %s ON CONFLICT DO NOTHING",
            [made["slug"]],
        )
    return made


def _web(processes: Processes, environment: dict[str, str]) -> tuple[Process, int]:
    port = choose_port()
    process = processes.start(
        "web",
        [
            *(sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1"),
            *("--port", str(port), "--workers", "2", "--blocking-threads", "4"),
            "controlplane.wsgi:application",
        ],
        environment=environment,
        cwd=ROOT,
    )
    with Reporter().step("Starting the web server") as step:
        wait_until_ready(
            process, lambda: _answers(port), timeout=60, step=step, waiting_for="/healthz"
        )
    return process, port


def _answers(port: int) -> bool:
    try:
        url = f"http://127.0.0.1:{port}/healthz"
        headers = {"Host": "localhost"}
        return httpx.get(url, headers=headers, timeout=5, trust_env=False).is_success
    except httpx.HTTPError:
        return False


def _make_webhook(environment: dict[str, str]) -> None:
    """Webhook → Respond to Webhook, as n8n's editor makes it."""
    workflow = {
        "name": "Bench",
        "settings": {},
        "nodes": [
            {
                "id": str(uuid.uuid4()), "name": "Webhook", "type": "n8n-nodes-base.webhook",
                "typeVersion": 2.1, "position": [0, 0], "webhookId": str(uuid.uuid4()),
                "parameters": {"httpMethod": "POST", "path": PATH, "responseMode": "responseNode"},
            },
            {
                "id": str(uuid.uuid4()), "name": "Respond",
                "type": "n8n-nodes-base.respondToWebhook", "typeVersion": 1.5,
                "position": [200, 0], "parameters": {},
            },
        ],
        "connections": {"Webhook": {"main": [[{"node": "Respond", "type": "main", "index": 0}]]}},
    }  # fmt: skip
    headers = {"X-N8N-API-KEY": environment["N8N_API_KEY"]}
    base = f"{environment['N8N_URL']}/api/v1"
    with httpx.Client(headers=headers, timeout=60, trust_env=False) as client:
        for old in client.get(f"{base}/workflows", params={"name": "Bench"}).json()["data"]:
            client.delete(f"{base}/workflows/{old['id']}").raise_for_status()
        made = client.post(f"{base}/workflows", json=workflow).raise_for_status().json()
        client.post(f"{base}/workflows/{made['id']}/activate").raise_for_status()


def _shots(tenant: dict[str, str], count: int) -> list[Shot]:
    shots = []
    for _number in range(count):
        own = str(uuid.uuid4())
        order = {"id": own, "name": f"#{own[:8]}", "note": "x" * 1800, "line_items": []}
        body = json.dumps(order).encode()
        headers = {
            "Host": "localhost",
            "Content-Type": "application/json",
            shopify.SIGNATURE_HEADER: shopify.sign(body, tenant["secret"]),
            shopify.TOPIC_HEADER: "orders/create",
            shopify.ID_HEADER: own,
        }
        shots.append(Shot(body, headers))
    return shots


def _race(
    setting: str, port: int, n8n_port: int, tenant: dict[str, str], report: Report
) -> dict[str, float]:
    """Requests a second of both, in alternation; every event of ours is new."""

    def ours(count: int) -> Volley:
        path = f"/in/{tenant['slug']}/shop"
        shots = _shots(tenant, count)
        return fire(port, path, shots, connections=CONNECTIONS, expected={202})

    def theirs(count: int) -> Volley:
        shots = _shots(tenant, count)
        path = f"/webhook/{PATH}"
        return fire(n8n_port, path, shots, connections=CONNECTIONS, expected={200})

    runners: dict[str, tuple[Callable[[int], Volley], int]] = {
        "pergola": (ours, OURS),
        "n8n": (theirs, THEIRS),
    }
    for runner, _count in runners.values():
        runner(CONNECTIONS * 4)
    rates: dict[str, list[float]] = {name: [] for name in runners}
    taken: dict[str, list[float]] = {name: [] for name in runners}
    for number in range(ROUNDS):
        for name in runners if number % 2 == 0 else list(runners)[::-1]:
            runner, count = runners[name]
            volley = runner(count)
            rates[name].append(volley.per_second)
            taken[name] += volley.milliseconds
            report.row(
                measure=setting, who=name, round=number, per_second=volley.per_second,
                p95_ms=percentile(volley.milliseconds, 95),
            )  # fmt: skip
    medians = {name: statistics.median(found) for name, found in rates.items()}
    report.table(
        f"Intake, n8n's {setting} setting: {CONNECTIONS} connections (median of {ROUNDS})",
        ["who", "requests/s", "p50 ms", "p95 ms"],
        [
            [name, medians[name], percentile(taken[name], 50), percentile(taken[name], 95)]
            for name in runners
        ],
    )
    return {
        "ratio": medians["pergola"] / medians["n8n"],
        "p95": percentile(taken["pergola"], 95),
        "n8n_p95": percentile(taken["n8n"], 95),
    }


def _relay(environment: dict[str, str], slug: str) -> dict[str, Any]:
    with psycopg.connect(environment["DATABASE_OWNER_URL"]) as owner:
        owner.execute("DELETE FROM events_outboxmessage")
    done = subprocess.run(
        [sys.executable, "-m", "bench.events.relaying", slug, str(DRAINED)],
        cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _celery(processes: Processes, environment: dict[str, str], report: Report) -> float:
    """Tasks a second of a backlog: the queue is filled first, and then the worker starts."""
    os.environ["REDIS_URL"] = environment["REDIS_URL"]
    from bench.events.nulls import app, null

    broker = redis.Redis.from_url(environment["REDIS_URL"])
    queue = app.conf.task_default_queue
    broker.delete(queue)
    for number in range(CELERY):
        null.delay(str(number))
    worker = processes.start(
        "celery",
        [
            *(sys.executable, "-m", "celery", "-A", "bench.events.nulls", "worker"),
            *("--pool", "threads", "--concurrency", "2", "--without-gossip", "--without-mingle"),
        ],
        environment=environment,
        cwd=ROOT,
    )
    try:
        until = time.monotonic() + 300
        while broker.llen(queue) == CELERY:
            _wait(until)
        left, began = broker.llen(queue), time.perf_counter()
        while broker.llen(queue) or broker.hlen("unacked"):
            _wait(until)
        rate = left / (time.perf_counter() - began)
    finally:
        processes.stop(worker)
    report.row(measure="celery", per_second=rate)
    return float(rate)


def _wait(until: float) -> None:
    if time.monotonic() > until:
        raise RuntimeError("Celery's worker did not finish within five minutes")
    time.sleep(0.002)
