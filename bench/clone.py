"""Cloning a template by the API into a real n8n, against n8n's own two calls for the same workflow.

Everything is up: n8n with the node pack, web, worker, beat and relay. In each round a tenant of its
own clones by `POST /api/v1/installations`, which answers when the workflow is active; and the bare
workflow, without key, credential, trail and parameters, is created and activated by n8n's API. Both
in alternation, the first round of each left out.
"""

import os
import secrets
import statistics
import time
from pathlib import Path
from typing import Any

import httpx

from bench.run import Report

ROOT = Path(__file__).resolve().parent.parent
NEEDS_DATA = False
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "6"))
TEMPLATE = "review-shopify-order"


def run(data: Path, report: Report) -> dict[str, Any]:
    from deploy.demo.running import running
    from deploy.embedded.progress import Silent
    from deploy.embedded.stack import Stack

    stack = Stack(ROOT, var=ROOT / "var" / "bench-clone", durable=False, reporter=Silent())
    with running(stack, Silent()) as demo:
        rounds = [_round(demo.environment["PUBLIC_URL"]) for _round_ in range(ROUNDS + 1)][1:]
    for ours, bare in rounds:
        report.row(ours_s=ours, bare_s=bare)
    clones, bare_calls = zip(*rounds, strict=True)
    report.table(
        f"One clone ({ROUNDS} rounds in alternation)",
        ["what", "median s", "slowest s"],
        [
            ["POST /api/v1/installations", statistics.median(clones), max(clones)],
            ["n8n: create and activate", statistics.median(bare_calls), max(bare_calls)],
        ],
    )
    return {
        "api_s": round(statistics.median(clones), 2),
        "slowest_s": round(max(clones), 2),
        "bare_s": round(statistics.median(bare_calls), 2),
    }


def _round(url: str) -> tuple[float, float]:
    from deploy.template_cases import new_ground
    from tenants.models import ApiKey

    tenant = new_ground()
    scopes = ["installations:read", "installations:write"]
    _key, text = ApiKey.issue(tenant=tenant, name="bench", scopes=scopes)
    with httpx.Client(trust_env=False, timeout=60) as client:
        started = time.perf_counter()
        answer = client.post(
            f"{url}/api/v1/installations",
            json={"template": TEMPLATE, "parameters": {}},
            headers={"Authorization": f"Bearer {text}"},
        )
        ours = time.perf_counter() - started
    if answer.status_code != 201 or answer.json()["status"] != "active":
        raise RuntimeError(f"the clone failed: {answer.text[:500]}")
    return ours, _bare(tenant)


def _bare(tenant: Any) -> float:
    from controlplane.catalog.models import Installation
    from controlplane.instances.models import Workspace
    from controlplane.instances.services import client_for
    from tenants.context import inside

    with inside(tenant), client_for(Workspace.current()) as n8n:
        flow = dict(n8n.get_workflow(Installation.objects.get().workflow_id).raw)
        flow["name"] = f"bare {secrets.token_hex(3)}"
        for node in flow["nodes"]:
            if "webhookId" in node:
                node["webhookId"] = secrets.token_hex(16)
            if "path" in node["parameters"]:
                node["parameters"]["path"] = secrets.token_hex(16)
        started = time.perf_counter()
        made = n8n.create_workflow(flow)
        n8n.activate_workflow(made.id, wait=20)
        return time.perf_counter() - started
