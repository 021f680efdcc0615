"""The operation endpoint against stock django-tenants with DRF, and what the two walls cost.

The same work behind four doors (bench/shop), each on granian with 2 processes that carry out 4
requests at once, on one PostgreSQL, in alternation. Stock is django-tenants' backend and
middleware with Django's default of a connection for each request, and DRF's serializers. Plain is
Pergola's own view on one schema with a pool: without tenants, roles and the look-up of hosts;
once with the request limits and once without. Then: a quiet tenant's latency while another one
sends all it can.
"""

import contextlib
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg

from bench.load import Headers, post
from bench.run import Report, percentile
from bench.shop.example import example
from deploy.embedded.ports import choose_port
from deploy.embedded.processes import Processes, wait_until_ready
from deploy.embedded.progress import Reporter
from deploy.embedded.stack import Stack
from tenants.limits.seats import ALONE_AFTER_SECONDS

NEEDS_DATA = False
ROOT = Path(__file__).resolve().parent.parent
VAR = ROOT / "var" / "bench-requests"
DOORS = ("pergola", "stock", "plain with limits", "plain")
# What is measured, and at which door. One tenant's writers wait for one another at the head of its
# audit trail, so the walls are compared with plain Django where Pergola has one tenant too.
ONE = "pergola, one tenant"
MEASURED = {"pergola": "pergola", "stock": "stock", ONE: "pergola"} | {
    name: name for name in DOORS if name.startswith("plain")
}
PATH = "/api/v1/operations/bench/"
WORK = {
    "take": "One rule, one row, one audit entry",
    "review": "As Order → Review: policy, decision, order and lines, audit",
}
TENANTS = 20
CONNECTIONS = 8
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
SECONDS = float(os.environ.get("BENCH_SECONDS", "4"))


def run(data: Path, report: Report) -> dict[str, Any]:
    reporter = Reporter()
    stack = Stack(ROOT, var=VAR, reporter=reporter, environ={})
    with stack:
        stack.start(n8n=False)
        environment = {**os.environ, **stack.environment(), "LOG_LEVEL": "ERROR"}
        environment |= {"DJANGO_SETTINGS_MODULE": "bench.shop.settings", "WEB_THREADS": "4"}
        with reporter.step(f"Migrating, and {TENANTS} tenants"):
            callers = _prepared(environment)
        with _servers(environment, reporter) as ports:
            medians = _race("take", ports, callers, report)
            whole = _race("review", ports, callers, report)
            noisy = _noisy(ports["pergola"], callers, environment, report)
    walls = medians["plain with limits"] / medians[ONE] - 1
    return {
        "ratio": round(medians["pergola"] / medians["stock"], 2),
        "whole_review_ratio": round(whole["pergola"] / whole["stock"], 2),
        "walls_cost_percent": round(100 * walls, 1),
        "with_limits_cost_percent": round(100 * (medians["plain"] / medians[ONE] - 1), 1),
        "noisy_p95_ratio": round(noisy, 2),
    }


def _prepared(environment: dict[str, str]) -> list[dict[str, str]]:
    def python(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=environment,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
        return done.stdout

    python("manage.py", "migrate_fleet")
    lines = python("-m", "bench.shop.prepare", str(TENANTS)).splitlines()
    return [json.loads(line) for line in lines]


@contextlib.contextmanager
def _servers(environment: dict[str, str], reporter: Reporter) -> Iterator[dict[str, int]]:
    processes, started, ports = Processes(VAR), [], {}
    try:
        for door in DOORS:
            ports[door] = port = choose_port()
            with reporter.step(f"Starting: {door}") as step:
                process = processes.start(
                    f"web-{DOORS.index(door)}",
                    [
                        *(sys.executable, "-m", "granian", "--interface", "wsgi"),
                        *("--host", "127.0.0.1", "--port", str(port)),
                        *("--workers", "2"),
                        "controlplane.wsgi:application",
                    ],
                    environment={
                        **environment,
                        "BENCH_DOOR": door,
                        # Pergola's others hold answers back, as in docker-compose.yml.
                        "GRANIAN_BLOCKING_THREADS": "20" if door == "pergola" else "4",
                    },
                    cwd=ROOT,
                )
                started.append(process)
                wait_until_ready(
                    process,
                    lambda port=port: _answers(port),
                    timeout=60,
                    step=step,
                    waiting_for="/healthz",
                )
        yield ports
    finally:
        for process in started:
            processes.stop(process)


def _answers(port: int) -> bool:
    try:
        # A tenant's host: stock finds none for 127.0.0.1.
        headers = {"Host": "bench-0.localhost"}
        url = f"http://127.0.0.1:{port}/healthz"
        return httpx.get(url, headers=headers, timeout=5, trust_env=False).is_success
    except httpx.HTTPError:
        return False


def _headers(callers: list[dict[str, str]], door: str) -> list[Headers]:
    chosen = callers[:1] if door == ONE or door.startswith("plain") else callers
    return [{"Host": one["host"], "Authorization": f"Bearer {one['key']}"} for one in chosen]


def _race(
    work: str, ports: dict[str, int], callers: list[dict[str, str]], report: Report
) -> dict[str, float]:
    """Requests per second by door: the median of the rounds, in alternation."""
    rates: dict[str, list[float]] = {door: [] for door in MEASURED}
    latencies: dict[str, list[float]] = {door: [] for door in MEASURED}
    for number in range(-1, ROUNDS):
        for door in MEASURED if number % 2 else reversed(MEASURED):
            if door == ONE:
                # Until then it shares the threads with the tenants that asked before.
                time.sleep(ALONE_AFTER_SECONDS)
            load = post(
                ports[MEASURED[door]],
                PATH + work,
                headers=_headers(callers, door),
                body=example,
                connections=CONNECTIONS,
                seconds=SECONDS if number >= 0 else 1.5,
            )
            refused = {status for status in load.milliseconds if status != 200}
            if refused:
                raise RuntimeError(f"{door} answered {refused}")
            if number >= 0:  # the first is to warm up
                rates[door].append(load.per_second)
                latencies[door] += load.of(200)
                report.row(measure=work, door=door, round=number, per_second=load.per_second)
    medians = {door: statistics.median(values) for door, values in rates.items()}
    report.table(
        f"{WORK[work]}: {CONNECTIONS} connections "
        f"(median of {ROUNDS} rounds of {SECONDS:.0f} s, in alternation)",
        ["door", "requests/s", "slowest", "fastest", "p50 ms", "p95 ms", "of Pergola's"],
        [
            [
                door,
                medians[door],
                min(rates[door]),
                max(rates[door]),
                percentile(latencies[door], 50),
                percentile(latencies[door], 95),
                medians[door] / medians["pergola"],
            ]
            for door in MEASURED
        ],
    )
    return medians


def _noisy(
    port: int, callers: list[dict[str, str]], environment: dict[str, str], report: Report
) -> float:
    """The quiet tenant's p95 beside a noisy one, over its p95 when alone; medians of rounds."""
    quiet, noisy = (_headers([caller], "pergola") for caller in callers[:2])
    _set_quota(environment, callers[1]["slug"], 600)
    # A process keeps what it found of a tenant for five seconds.
    post(port, f"{PATH}take", headers=noisy, body=example, connections=1, seconds=6.0, pause=0.5)
    taken: dict[str, list[float]] = {"alone": [], "beside a noisy tenant": []}
    refused = 0
    for number in range(5):
        for name in taken if number % 2 else list(taken)[::-1]:
            with _shouting(port, noisy, name != "alone") as answers:
                load = post(
                    port,
                    f"{PATH}take",
                    headers=quiet,
                    body=example,
                    connections=1,
                    seconds=4.0,
                    pause=0.05,
                )
            taken[name].append(percentile(load.of(200), 95))
            refused += sum(answers)
            report.row(measure="noisy", name=name, round=number, p95_ms=taken[name][-1])
    medians = {name: statistics.median(values) for name, values in taken.items()}
    report.table(
        f"A quiet tenant's p95 in ms while another sends all it can "
        f"(600 a minute are taken, {refused} were refused)",
        ["", "median", "lowest", "highest"],
        [[name, medians[name], min(values), max(values)] for name, values in taken.items()],
    )
    return medians["beside a noisy tenant"] / medians["alone"]


@contextlib.contextmanager
def _shouting(port: int, headers: list[Headers], shouts: bool) -> Iterator[list[int]]:
    """A process of its own, so that its work does not count as the quiet one's."""
    answers: list[int] = []
    if not shouts:
        yield answers
        return
    command = [
        sys.executable,
        "-m",
        "bench.shouting",
        str(port),
        f"{PATH}take",
        json.dumps(headers),
    ]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        yield answers
    finally:
        process.terminate()
        said, _nothing = process.communicate(timeout=30)
        answers.append(int(said or 0))


def _set_quota(environment: dict[str, str], slug: str, amount: int) -> None:
    url = environment["DATABASE_OWNER_URL"]
    with psycopg.connect(url) as owner:
        owner.execute(
            "UPDATE tenants_quota SET amount = %s FROM tenants_tenant t"
            " WHERE t.id = tenant_id AND t.slug = %s AND resource = 'requests'",
            [amount, slug],
        )
