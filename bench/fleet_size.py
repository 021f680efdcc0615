"""The first flow's API calls in a fleet of a thousand tenants, against the same calls among ten.

Two databases in one PostgreSQL, one with ten tenants and one with TENANTS, each behind a web server
of its own with Pergola's settings. Flows run against both in alternation, each for a tenant drawn
at random: an event comes in signed, its order is reviewed, the outcome is recorded. Then every
tenant of the large fleet is visited, and the memory of each database connection is read from the
kernel (RssAnon: what a process has for itself alone).
"""

import contextlib
import json
import os
import random
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psycopg
from psycopg import sql

from bench.run import Report, percentile
from controlplane.events import shopify
from deploy.embedded.ports import choose_port
from deploy.embedded.processes import Processes, wait_until_ready
from deploy.embedded.progress import Reporter
from deploy.embedded.stack import Stack

NEEDS_DATA = False
ROOT = Path(__file__).resolve().parent.parent
VAR = ROOT / "var" / "bench-fleet-size"
SMALL = 10
TENANTS = int(os.environ.get("BENCH_TENANTS", "1000"))
CONNECTIONS = 4
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "6"))
FLOWS_A_ROUND = 150
SEED = 20261127


@dataclass
class Fleet:
    """A database of so many tenants and the server in front of it."""

    name: str
    environment: dict[str, str]
    tenants: list[dict[str, str]] = field(default_factory=list)
    port: int = 0
    milliseconds: list[float] = field(default_factory=list)


def run(data: Path, report: Report) -> dict[str, Any]:
    reporter = Reporter()
    stack = Stack(ROOT, var=VAR, reporter=reporter, environ={})
    with stack:
        stack.start(n8n=False)
        base = {**os.environ, **stack.environment(), "LOG_LEVEL": "ERROR", "WEB_THREADS": "4"}
        fleets = [
            _fleet("bench_small", SMALL, base, reporter),
            _fleet("bench_large", TENANTS, base, reporter),
        ]
        with _servers(fleets, reporter):
            medians = _race(fleets, reporter, report)
            visited = _visit_all(fleets[1], reporter)
            largest = _largest_connection(base["DATABASE_OWNER_URL"], report)
    small, large = medians
    report.say(f"\n{visited} tenants visited; the largest connection holds {largest:.0f} MB.")
    return {
        "tenants": len(fleets[1].tenants),
        "p95_ratio": round(large / small, 2),
        "connection_mb": round(largest),
    }


def _fleet(name: str, count: int, base: dict[str, str], reporter: Reporter) -> Fleet:
    """A fresh database with that many tenants, each with a source and a key."""
    with psycopg.connect(base["DATABASE_OWNER_URL"], autocommit=True) as owner:
        owner.execute(
            sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        )
        owner.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    urls = ("DATABASE_URL", "DATABASE_OWNER_URL")
    environment = {**base, **{key: base[key].rsplit("/", 1)[0] + f"/{name}" for key in urls}}
    environment["FILES_ROOT"] = str(VAR / "files" / name)
    fleet = Fleet(f"{count} tenants", environment)
    with reporter.step(f"Making {fleet.name}") as step:
        _python(environment, "manage.py", "migrate_fleet")
        command = [sys.executable, "-m", "bench.shop.prepare", str(count), "--sources"]
        with subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
        ) as making:
            assert making.stdout
            for line in making.stdout:
                fleet.tenants.append(json.loads(line))
                step.update(f"{len(fleet.tenants)} of {count}")
        if making.returncode or len(fleet.tenants) != count:
            raise RuntimeError(f"only {len(fleet.tenants)} of {count} tenants were made")
        step.done(f"{step.seconds / count * 1000:.0f} ms each")
    return fleet


def _python(environment: dict[str, str], *arguments: str) -> None:
    command = [sys.executable, *arguments]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)


@contextlib.contextmanager
def _servers(fleets: Sequence[Fleet], reporter: Reporter) -> Iterator[None]:
    processes, started = Processes(VAR), []
    try:
        for fleet in fleets:
            fleet.port = choose_port()
            with reporter.step(f"Starting the server of {fleet.name}") as step:
                started.append(
                    processes.start(
                        f"web-{len(fleet.tenants)}",
                        [
                            *(sys.executable, "-m", "granian", "--interface", "wsgi"),
                            *("--host", "127.0.0.1", "--port", str(fleet.port)),
                            *("--workers", "1", "--blocking-threads", "4"),
                            "controlplane.wsgi:application",
                        ],
                        environment=fleet.environment,
                        cwd=ROOT,
                    )
                )
                wait_until_ready(
                    started[-1],
                    lambda port=fleet.port: _answers(port),
                    timeout=60,
                    step=step,
                    waiting_for="/healthz",
                )
        yield
    finally:
        for process in started:
            processes.stop(process)


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=5, trust_env=False).is_success
    except httpx.HTTPError:
        return False


def _race(fleets: Sequence[Fleet], reporter: Reporter, report: Report) -> list[float]:
    """The p95 of each fleet: the median of its rounds', in alternation."""
    drawn = random.Random(SEED)  # the same tenants in every run
    rounds: list[list[float]] = [[] for _fleet in fleets]
    with reporter.step("Flows against both fleets, in alternation") as step:
        for number in range(-1, ROUNDS):
            order = [0, 1] if number % 2 else [1, 0]
            for which in order:
                fleet = fleets[which]
                chosen = drawn.choices(fleet.tenants, k=FLOWS_A_ROUND)
                taken = _flows(fleet.port, chosen, start=(number + 2) * 100_000)
                if number < 0:  # to warm up
                    continue
                fleet.milliseconds += taken
                rounds[which].append(percentile(taken, 95))
                report.row(
                    measure="calls", fleet=fleet.name, round=number, p95_ms=rounds[which][-1]
                )
                step.update(f"round {number + 1} of {ROUNDS}")
    medians = [statistics.median(values) for values in rounds]
    report.table(
        f"The first flow's API calls, {CONNECTIONS} at a time, tenants at random "
        f"(median of {ROUNDS} rounds of {FLOWS_A_ROUND} flows, in alternation)",
        ["fleet", "p95 ms", "lowest", "highest", "p50 ms", "of the small one's"],
        [
            [
                fleet.name,
                median,
                min(values),
                max(values),
                percentile(fleet.milliseconds, 50),
                median / medians[0],
            ]
            for fleet, median, values in zip(fleets, medians, rounds, strict=True)
        ],
    )
    return medians


def _visit_all(fleet: Fleet, reporter: Reporter) -> int:
    with reporter.step(f"A flow in each of {fleet.name}"):
        _flows(fleet.port, fleet.tenants, start=10_000_000)
    return len(fleet.tenants)


def _flows(port: int, tenants: Sequence[dict[str, str]], *, start: int) -> list[float]:
    """Milliseconds of every call of a flow for each of the tenants. Raises RuntimeError."""
    taken: list[float] = []
    failed: list[str] = []
    lock = threading.Lock()
    # A tenant's flows by one connection, one after another: several at once are refused while
    # others ask too, since no tenant takes more than its share of the threads.
    by_connection: list[list[tuple[int, dict[str, str]]]] = [[] for _number in range(CONNECTIONS)]
    for number, tenant in enumerate(tenants, start=start):
        by_connection[int(tenant["slug"].rpartition("-")[2]) % CONNECTIONS].append((number, tenant))

    def work(waiting: list[tuple[int, dict[str, str]]]) -> None:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False) as http:
            own: list[float] = []
            for number, tenant in waiting:
                if failed:
                    break
                try:
                    own += _flow(http, tenant, number)
                except (httpx.HTTPError, RuntimeError) as error:
                    failed.append(repr(error))
            with lock:
                taken.extend(own)

    threads = [threading.Thread(target=work, args=(waiting,)) for waiting in by_connection]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise RuntimeError(failed[0])
    return taken


def _flow(http: httpx.Client, tenant: dict[str, str], number: int) -> list[float]:
    body = json.dumps(_order(number)).encode()
    signed = {
        shopify.SIGNATURE_HEADER: shopify.sign(body, tenant["secret"]),
        shopify.TOPIC_HEADER: "orders/create",
        "Content-Type": "application/json",
    }
    key = {"Authorization": f"Bearer {tenant['key']}"}
    taken: list[float] = []

    def call(path: str, **sent: Any) -> dict[str, Any]:
        began = time.perf_counter()
        answer = http.post(path, **sent)
        taken.append((time.perf_counter() - began) * 1000)
        if not answer.is_success:
            raise RuntimeError(f"{path} answered {answer.status_code}: {answer.text[:300]}")
        said: dict[str, Any] = answer.json()
        return said

    event = call(f"/in/{tenant['slug']}/shop", content=body, headers=signed)
    review = call(
        "/api/v1/operations/order/review", json={"event_id": event["event_id"]}, headers=key
    )
    call(
        "/api/v1/operations/order/record_outcome",
        json={"order_id": review["order_id"], "outcome": "rejected"},
        headers=key,
    )
    return taken


def _order(number: int) -> dict[str, Any]:
    return {
        "id": number,
        "name": f"#{number}",
        "created_at": "2026-03-01T09:30:00+01:00",
        "currency": "EUR",
        "financial_status": "paid",
        "total_price": "119.00",
        "subtotal_price": "119.00",
        "total_tax": "19.00",
        "taxes_included": True,
        "email": "ada@example.com",
        "line_items": [
            {"id": line, "sku": f"LAMP-{line}", "title": "Lamp", "quantity": 1, "price": "23.80"}
            for line in range(1, 6)
        ],
        "shipping_address": {"name": "Ada Sample", "city": "Hamburg", "country_code": "DE"},
    }


def _largest_connection(owner_url: str, report: Report) -> float:
    """Megabytes of the largest backend of the large fleet's application."""
    with psycopg.connect(owner_url) as owner:
        rows = owner.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = 'bench_large'"
            " AND usename = 'pergola_app'"
        ).fetchall()
    sizes = [_rss_anon_mb(pid) for (pid,) in rows]
    for size in sizes:
        report.row(measure="connection", megabytes=size)
    report.table(
        "Memory of the server's database connections, after every tenant was visited",
        ["connections", "smallest MB", "median MB", "largest MB"],
        [[len(sizes), min(sizes), statistics.median(sizes), max(sizes)]],
    )
    return max(sizes)


def _rss_anon_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("RssAnon:"))
    return int(line.split()[1]) / 1024
