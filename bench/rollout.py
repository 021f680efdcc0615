"""A release to a thousand installations in a real n8n, against n8n's own calls for the same.

Every installation is another tenant's; three in ten were edited by a random editor, some where the
release changes the same. Release 2 fails only when it runs: the canaries' webhooks are called, the
gate has to stop it and to put the canaries' workflows back. Release 3 is good and goes to all, in
rings. After each ring, every workflow of it is written and activated once more by n8n's API alone
(`PUT` and `activate`), with as many calls at a time as there are lanes. What became of the edits is
read from n8n by the bench, which knows what it edited. `BENCH_TENANTS` has fewer for a try.
"""

import io
import os
import random
import statistics
import sys
import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import httpx

from bench.run import Report

NEEDS_DATA = False
ROOT = Path(__file__).resolve().parent.parent
VAR = ROOT / "var" / "bench-rollout"
TENANTS = int(os.environ.get("BENCH_TENANTS", "1000"))
LANES = int(os.environ.get("BENCH_LANES", "4"))
EDITED = 0.3
CANARIES = 5
RINGS = [5, 20, 40, 60, 80, 100]
SEED = 20261127
PATIENCE = 1800.0
FOREVER = 1_000_000

Json = dict[str, Any]
T = TypeVar("T")


@dataclass
class One:
    """An installation; `still` say whether what was edited is there."""

    tenant: Any
    installation_id: uuid.UUID
    workflow_id: str
    path: str
    still: list[Callable[[Json], bool]] = field(default_factory=list)
    hash: str = ""
    version: str = ""
    flow: Json = field(default_factory=dict)
    """As n8n has it."""


def run(data: Path, report: Report) -> dict[str, Any]:
    from deploy.embedded.processes import Processes
    from deploy.embedded.progress import Reporter
    from deploy.embedded.stack import Stack
    from deploy.n8n_nodes import build

    stack = Stack(ROOT, var=VAR, durable=False, reporter=Reporter(), environ={})
    with stack:
        stack.start(node_pack=build.pack())
        os.environ.update(
            stack.environment(), LOG_LEVEL="ERROR", DJANGO_SETTINGS_MODULE="controlplane.settings"
        )
        import django

        django.setup()
        from django.core.management import call_command

        from tenants.provisioning.blueprint import renew_blueprint

        call_command("migrate_fleet", stdout=io.StringIO())
        renew_blueprint()
        processes = Processes(VAR)
        worker = processes.start(
            "worker",
            [sys.executable, "-m", "celery", "-A", "controlplane", "worker",
             "--pool", "threads", "--concurrency", str(LANES)],
            environment=dict(os.environ), cwd=ROOT,
        )  # fmt: skip
        try:
            return _Run(report).all()
        finally:
            processes.stop(worker)


class _Run:
    def __init__(self, report: Report) -> None:
        self.report = report
        self.rng = random.Random(SEED)
        self.url = os.environ["N8N_URL"]
        self.n8n = httpx.Client(
            base_url=f"{self.url}/api/v1", timeout=60, trust_env=False,
            headers={"X-N8N-API-KEY": os.environ["N8N_API_KEY"]},
            limits=httpx.Limits(max_connections=LANES, keepalive_expiry=2),
        )  # fmt: skip

    def all(self) -> dict[str, Any]:
        from bench.fleet_of_flows import releases

        first = _released("1.0.0", releases.first())
        tenants = _tenants(self.url)
        fleet = self._together(lambda tenant: _installed(tenant, first), tenants, "installed")
        edited = self.rng.sample(fleet, round(len(fleet) * EDITED))
        self._look(edited)
        for one in edited:
            self._edit(one)
        self._look(fleet)
        bad = self._bad(fleet, _released("2.0.0", releases.second()))
        good = self._good(fleet, _released("3.0.0", releases.third()))
        return {"installations": len(fleet), "edited": len(edited), **bad, **good}

    def _edit(self, one: One) -> None:
        from bench.fleet_of_flows.editing import edited

        one.still = edited(one.flow, self.rng)
        self._put(one, one.flow)

    def _bad(self, fleet: list[One], release: Any) -> dict[str, Any]:
        """The canaries are upgraded, run, and have to come back."""
        from controlplane.catalog.models import Rollout

        began = time.monotonic()
        rollout = _begun(release, shares=[CANARIES, 100], least_runs=1)
        _until(lambda: _now(rollout).status == Rollout.Status.WATCHING)
        reached = set(rollout.places.filter(ring=1).values_list("installation_id", flat=True))
        canaries = [one for one in fleet if one.installation_id in reached]
        for one in canaries:
            body = {"order": "1001", "total": 10}
            httpx.post(f"{self.url}/webhook/{one.path}", json=body, timeout=30).raise_for_status()
        over = (Rollout.Status.RETURNED, Rollout.Status.PAUSED)
        _until(lambda: _advanced(rollout).status in over)
        took = time.monotonic() - began
        before = {one.installation_id: (one.hash, one.version) for one in fleet}
        self._look(fleet)
        restored = [one for one in canaries if one.hash == before[one.installation_id][0]]
        changed = [
            one for one in fleet
            if one not in canaries and before[one.installation_id] != (one.hash, one.version)
        ]  # fmt: skip
        now = _now(rollout)
        self.report.table(
            "Release 2, which fails when it runs",
            ["canaries", "stopped by", "put back", "others changed", "seconds"],
            [[len(canaries), now.steps[-2]["why"], len(restored), len(changed), took]],
        )
        return {
            "canaries": len(canaries),
            "restored_identical": round(len(restored) / len(canaries), 4),
            "untouched_changed": len(changed),
        }

    def _good(self, fleet: list[One], release: Any) -> dict[str, Any]:
        """All get it, ring by ring; after each the same workflows by n8n's calls alone."""
        from controlplane.catalog.models import Rollout

        by_id = {one.installation_id: one for one in fleet}
        rollout = _begun(release, shares=RINGS, least_runs=0, take="ours")
        lost, rows = 0, []
        while True:
            _until(lambda: _now(rollout).status in (Rollout.Status.WATCHING, Rollout.Status.DONE))
            now = _now(rollout)
            if now.status == Rollout.Status.DONE:
                break
            places = rollout.places.filter(ring=now.ring, status="done")
            here = [by_id[pk] for pk in places.values_list("installation_id", flat=True)]
            ours = _ring_seconds(now)
            self._look(here)
            lost += sum(not still(one.flow) for one in here for still in one.still)
            began = time.perf_counter()
            self._together(self._bare, here, "")
            bare = time.perf_counter() - began
            rows.append((now.ring, len(here), ours, bare))
            self.report.row(ring=now.ring, installations=len(here), ours_s=ours, bare_s=bare)
            _let_on(now)
        states = rollout.places.counts()
        conflicts = sum(rollout.places.values_list("conflicts", flat=True))
        with_conflicts = rollout.places.filter(conflicts__gt=0).count()
        self.report.table(
            f"Release 3, ring by ring ({LANES} at a time)",
            ["ring", "installations", "rollout s", "update + activate s", "ratio"],
            [[ring, count, ours, bare, ours / bare] for ring, count, ours, bare in rows],
        )
        return {
            "upgraded": sum(count for each in states.values() for s, count in each.items()
                            if s == "done"),
            "lost_edits": lost,
            "conflicts": conflicts,
            "with_conflicts": with_conflicts,
            "ratio_to_api": round(statistics.median(o / b for _r, _c, o, b in rows), 2),
        }  # fmt: skip

    def _bare(self, one: One) -> None:
        """The same workflow once more, with another word in its note."""
        note = next(node for node in one.flow["nodes"] if node["id"] == "note")
        note["parameters"]["content"] += " Once more."
        self._put(one, one.flow)

    def _look(self, fleet: Iterable[One]) -> None:
        from controlplane.workflow.canonical import workflow_hash
        from controlplane.workflow.reading import read_one

        for one in fleet:
            raw = self.n8n.get(f"/workflows/{one.workflow_id}").raise_for_status().json()
            one.hash, one.version = workflow_hash(read_one(raw).workflow), raw["versionId"]
            one.flow = {key: raw[key] for key in ("name", "nodes", "connections", "settings")}

    def _put(self, one: One, flow: Json) -> None:
        path = f"/workflows/{one.workflow_id}"
        self.n8n.put(path, json=flow).raise_for_status()
        self.n8n.post(f"{path}/activate").raise_for_status()

    def _together(self, work: Callable[[Any], T], over: Sequence[Any], what: str) -> list[T]:
        """LANES at a time."""
        from django.db import connection

        def one(each: Any) -> T:
            try:
                return work(each)
            finally:
                if what:
                    connection.close()

        with ThreadPoolExecutor(LANES) as pool:
            found = []
            for number, made in enumerate(pool.map(one, over), start=1):
                found.append(made)
                if what and number % 100 == 0:
                    print(f"    … {number} {what}", flush=True)
        return found


def _tenants(url: str) -> list[Any]:
    """Each with a workspace at this n8n; those of an earlier run are used again."""
    from controlplane.core.actor import system
    from controlplane.instances.models import Workspace
    from tenants.context import inside
    from tenants.models import Partner, Tenant
    from tenants.provisioning import provision_tenant, start_tenant

    partner, _new = Partner.objects.get_or_create(slug="bench", defaults={"name": "Bench"})
    for number in range(TENANTS):
        slug = f"flow-{number:04d}"
        if not Tenant.objects.filter(slug=slug, status=Tenant.Status.ACTIVE).exists():
            tenant = Tenant.objects.filter(slug=slug).first() or start_tenant(
                slug=slug, name=slug, partner=partner
            )
            provision_tenant(tenant, by=system("bench"))
        if number % 100 == 99:
            print(f"    … {number + 1} tenants", flush=True)
    tenants = list(Tenant.objects.filter(slug__startswith="flow-").order_by("slug")[:TENANTS])
    for tenant in tenants:
        with inside(tenant):
            Workspace.objects.all().delete()
            Workspace.objects.create(
                instance_id=uuid.uuid4(), base_url=url, webhook_base_url=url, prefix=tenant.slug,
                member_email=f"{tenant.slug}@members.pergola.invalid",
                api_key=os.environ["N8N_API_KEY"],
            )  # fmt: skip
    return tenants


def _released(version: str, flow: Json) -> Any:
    """Live, of a template of this run's own."""
    from bench.fleet_of_flows.releases import manifest
    from controlplane.catalog.models import Template
    from controlplane.catalog.releases import create_draft, go_live
    from controlplane.core.actor import system

    by = system("bench")
    template = None if version == "1.0.0" else Template.objects.order_by("-created_at").first()
    draft = create_draft(
        template=template, owner=None, manifest=manifest(version), workflow=flow, by=by
    )
    return go_live(release_id=draft.pk, note="A bench has no cases.", by=by, despite_cases=True)


def _installed(tenant: Any, release: Any) -> One:
    from controlplane.catalog.deploy import deploy
    from controlplane.catalog.models import Installation
    from controlplane.catalog.services import install
    from controlplane.core.actor import system
    from tenants.context import inside

    path = uuid.uuid4().hex
    with inside(tenant):
        Installation.objects.all().delete()
        noted = install(release_id=release.pk, parameters={"path": path}, by=system("bench"))
        done = deploy(noted.pk)
    return One(tenant, done.pk, done.workflow_id, path)


def _begun(release: Any, *, shares: list[int], **settings: Any) -> Any:
    """Watched until the bench lets it on."""
    from controlplane.catalog.rollouts.asking import begin
    from controlplane.core.actor import system

    return begin(
        release_id=release.pk, shares=shares, at_once=LANES, per_minute=1_000_000,
        watch_minutes=FOREVER, watch_at_most_minutes=FOREVER, tries_cases=False,
        by=system("bench"), **settings,
    )  # fmt: skip


def _now(rollout: Any) -> Any:
    from controlplane.catalog.rollouts.asking import get_rollout

    return get_rollout(rollout.pk)


def _advanced(rollout: Any) -> Any:
    """As beat would."""
    from controlplane.catalog.rollouts.driving import advance

    return advance(rollout.pk)


def _let_on(rollout: Any) -> None:
    """As if it had been watched for as long as was asked."""
    from controlplane.catalog.models import Rollout

    watched = rollout.watched_since - timedelta(minutes=FOREVER)
    Rollout.objects.filter(pk=rollout.pk).update(watched_since=watched)
    _advanced(rollout)


def _ring_seconds(rollout: Any) -> float:
    """From the ring's beginning to its last upgrade, as the rollout noted both."""
    at = {
        step["what"]: datetime.fromisoformat(step["at"])
        for step in rollout.steps
        if step["ring"] == rollout.ring
    }
    return (at["upgraded"] - at["ring_begun"]).total_seconds()


def _until(reached: Callable[[], bool]) -> None:
    ends_at = time.monotonic() + PATIENCE
    while not reached():
        if time.monotonic() > ends_at:
            raise RuntimeError("the rollout did not come on")
        time.sleep(0.2)
