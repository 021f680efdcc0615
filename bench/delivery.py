"""From an event to the start of n8n's execution: through Pergola, and by n8n's own Webhook alone.

Ten events a second, on n8n's default expression engine. A sender posts each at its time, whether
the one before was answered or not. Measured is from then until `startedAt` of the execution that
it started, as n8n wrote it down. The overhead is the difference of the two p95.

Pergola delivers to a Webhook of the workflow, which the execution's first step fetches the event
for. To a trigger of ours n8n gives two fresh isolates more before anything starts, so it takes
fewer events a second than ten; that is measured beside it, at two.
"""

import http.client
import json
import os
import sys
import threading
import time
import uuid
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from bench.events.firing import Shot
from bench.events.n8n_side import Side, fetch, listening, nothing, trigger, webhook
from bench.intake import _prepared, _shots, _web
from bench.run import Report, percentile
from deploy.embedded.processes import Processes
from deploy.embedded.progress import Reporter
from deploy.embedded.stack import Stack
from deploy.n8n_nodes import build

NEEDS_DATA = False
ROOT = Path(__file__).resolve().parent.parent
VAR = ROOT / "var" / "bench-delivery"
PER_SECOND = float(os.environ.get("BENCH_PER_SECOND", "10"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
EVENTS = int(os.environ.get("BENCH_EVENTS", "150"))
BY_TRIGGER = "pergola's trigger"
TRIGGER_PER_SECOND = 2.0
TRIGGER_EVENTS = 20
PATIENCE = 300

Taken = list[float]


def run(data: Path, report: Report) -> dict[str, Any]:
    stack = Stack(ROOT, var=VAR, reporter=Reporter(), environ={})
    processes = Processes(VAR)
    with stack:
        stack.start(node_pack=build.pack())
        environment = {**os.environ, **stack.environment(), "LOG_LEVEL": "ERROR"}
        environment |= {"DJANGO_SETTINGS_MODULE": "controlplane.settings", "WEB_THREADS": "4"}
        environment["ALLOWED_HOSTS"] = "*"
        tenant = _prepared(environment, kept=VAR / "tenant.json")
        web, port = _web(processes, environment)
        relay = processes.start(
            "relay", [sys.executable, "manage.py", "relay"], environment=environment, cwd=ROOT
        )
        try:
            side = Side(environment)
            n8n = stack.n8n.running()
            assert n8n is not None
            return _Race(side, environment, tenant, port, n8n.pid).run(report)
        finally:
            processes.stop(relay)
            processes.stop(web)


class _Race:
    def __init__(
        self, side: Side, environment: dict[str, str], tenant: dict[str, str], port: int, pid: int
    ) -> None:
        self.pid = pid
        self.cpu: dict[str, float] = {}
        self.side, self.tenant, self.port = side, tenant, port
        self.n8n_port = int(side.url.rsplit(":", 1)[1])
        key = listening(environment, tenant["slug"], side.url)
        self.credentials = side.credential(f"http://127.0.0.1:{port}", key)

    def run(self, report: Report) -> dict[str, Any]:
        ours, theirs = (f"bench-{uuid.uuid4().hex[:8]}" for _ in range(2))
        beside = trigger(self.credentials, name="Events", webhook_path=ours)
        steps = [webhook(ours), fetch(self.credentials), nothing()]
        workflow = self.side.activate("Bench Pergola", steps, beside=[beside])
        alone = self.side.activate("Bench n8n", [webhook(theirs), nothing()])
        runners: dict[str, Callable[[], Taken]] = {
            "pergola": lambda: self._through_pergola(workflow, _fetched_event, EVENTS, PER_SECOND),
            "n8n": lambda: self._through_n8n(alone, theirs),
        }
        taken: dict[str, Taken] = {name: [] for name in runners}
        for number in range(-1, ROUNDS):
            for name in runners if number % 2 == 0 else list(runners)[::-1]:
                found = self._counted(name, runners[name])
                if number >= 0:  # the first is to get warm
                    taken[name] += found
                    _keep(report, name, number, found)
        workflow = self.side.activate("Bench Pergola", [trigger(self.credentials), nothing()])
        by_trigger = self._counted(
            BY_TRIGGER,
            lambda: self._through_pergola(
                workflow, _claimed_event, TRIGGER_EVENTS, TRIGGER_PER_SECOND
            ),
        )
        _keep(report, BY_TRIGGER, 0, by_trigger)
        self.side.close()
        shown = [(name, PER_SECOND, found) for name, found in taken.items()]
        report.table(
            f"From the event to the execution's start ({ROUNDS} rounds of {EVENTS})",
            ["who", "events/s", "p50 ms", "p95 ms", "slowest ms", "n8n's CPU ms"],
            [
                [name, rate, percentile(found, 50), percentile(found, 95), max(found),
                 self.cpu[name]]
                for name, rate, found in [*shown, (BY_TRIGGER, TRIGGER_PER_SECOND, by_trigger)]
            ],
        )  # fmt: skip
        p95 = {name: percentile(found, 95) for name, found in taken.items()}
        return {
            "overhead_p95_ms": round(p95["pergola"] - p95["n8n"], 1),
            "p95_ms": round(p95["pergola"], 1),
            "n8n_p95_ms": round(p95["n8n"], 1),
            "trigger_p95_ms": round(percentile(by_trigger, 95), 1),
            "events": len(taken["pergola"]),
        }

    def _counted(self, name: str, runner: Callable[[], Taken]) -> Taken:
        """Notes n8n's processor time for one event, which other work changes least."""
        before = _cpu_seconds(self.pid)
        found = runner()
        self.cpu[name] = (_cpu_seconds(self.pid) - before) / len(found) * 1000
        return found

    def _through_pergola(
        self, workflow: str, named: Callable[[dict[str, Any]], str], count: int, rate: float
    ) -> Taken:
        path = f"/in/{self.tenant['slug']}/shop"
        sent = _sent(self.port, path, _shots(self.tenant, count), rate=rate, expected=202)
        by_event = {event_id: at for at, event_id in sent}
        return _until_started(self.side, workflow, named, by_event)

    def _through_n8n(self, workflow: str, path: str) -> Taken:
        shots = _shots(self.tenant, EVENTS)
        sent = _sent(self.n8n_port, f"/webhook/{path}", shots, rate=PER_SECOND, expected=200)
        names = [json.loads(shot.body)["id"] for shot in shots]
        by_event = {name: at for (at, _answer), name in zip(sent, names, strict=True)}
        return _until_started(self.side, workflow, _posted_id, by_event)


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _fetched_event(runs: dict[str, Any]) -> str:
    return str(_output(runs, "Fetch").get("event_id"))


def _claimed_event(runs: dict[str, Any]) -> str:
    return str(_output(runs, "Start").get("event_id"))


def _posted_id(runs: dict[str, Any]) -> str:
    return str(_output(runs, "Start").get("body", {}).get("id"))


def _output(runs: dict[str, Any], step: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = runs[step][0]["data"]["main"][0][0]["json"]
    except (KeyError, IndexError):
        return {}
    return found


def _keep(report: Report, who: str, number: int, found: Taken) -> None:
    for milliseconds in found:
        report.row(who=who, round=number, ms=round(milliseconds, 1))


def _sent(
    port: int, path: str, shots: list[Shot], *, rate: float, expected: int
) -> list[tuple[float, str]]:
    """When each was sent, and the event's ID in the answer. Raises RuntimeError for a refusal."""
    sent: list[tuple[float, str]] = [(0.0, "")] * len(shots)
    wrong: list[str] = []

    def send(number: int, shot: Shot) -> None:
        at, status = time.time(), 429
        while status == 429:  # no seat for the tenant just now: again, as any sender would
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
            connection.request("POST", path, shot.body, shot.headers)
            answer = connection.getresponse()
            said, status = answer.read(), answer.status
            connection.close()
            if status == 429:
                time.sleep(0.05)
        if answer.status != expected:
            wrong.append(f"{answer.status}: {said[:200]!r}")
            return
        sent[number] = (at, str(json.loads(said).get("event_id", "")))

    began = time.monotonic()
    threads = []
    for number, shot in enumerate(shots):
        time.sleep(max(0.0, began + number / rate - time.monotonic()))
        threads.append(threading.Thread(target=send, args=(number, shot)))
        threads[-1].start()
    for thread in threads:
        thread.join()
    if wrong:
        raise RuntimeError(wrong[0])
    return sent


def _until_started(
    side: Side,
    workflow_id: str,
    named: Callable[[dict[str, Any]], str],
    by_event: dict[str, float],
) -> Taken:
    """Milliseconds of each, in order. Raises RuntimeError where one starts nothing in minutes."""
    until = time.monotonic() + PATIENCE
    found: dict[str, float] = {}
    while True:
        for execution in side.executions(workflow_id):
            runs = (execution.get("data") or {}).get("resultData", {}).get("runData", {})
            if (name := named(runs)) in by_event:
                at = datetime.fromisoformat(execution["startedAt"]).timestamp()
                found[name] = min(at, found.get(name, at))
        if len(found) == len(by_event):
            return [(found[name] - at) * 1000 for name, at in by_event.items()]
        if time.monotonic() > until:
            raise RuntimeError(f"{len(by_event) - len(found)} of {len(by_event)} started nothing")
        time.sleep(1)
