"""What it costs to merge a release into a workflow of 100 nodes that a tenant edited.

The nodes are real ones, from the workflows in `n8n-workflows`, wired in a line with branches. Both
sides edit, half of the edits on the same nodes. The peer is git, which is how workflows kept as
JSON are merged today (n8n's own source control writes such files): `git merge-file` on what n8n
writes, read and written as JSON before and after, as we do.
"""

import json
import random
import shutil
import subprocess
import tempfile
import time
from copy import deepcopy
from pathlib import Path
from typing import Any

from bench.run import Report, need, percentile
from controlplane.workflow.merging import merge
from controlplane.workflow.reading import read
from controlplane.workflow.shapes import STICKY
from tests.factories.workflows import Editor, connect

NODES = 100
EDITS = 30
PAIRS = 40
Json = dict[str, Any]


def run(data: Path, report: Report) -> dict[str, float]:
    base = _hundred(need(data / "n8n-workflows"))
    pairs = [
        (Editor(base, n, mark="mine").edit(EDITS), Editor(base, -n, mark="new").edit(EDITS))
        for n in range(1, PAIRS + 1)
    ]
    taken = []
    for number, (ours, theirs) in enumerate(pairs):
        # The best of five, so that what else the machine does is not counted.
        best = float("inf")
        for _again in range(5):
            began = time.perf_counter()
            merged = merge(base=base, ours=ours, theirs=theirs)
            best = min(best, (time.perf_counter() - began) * 1000)
        taken.append(best)
        report.row(measure="merge", pair=number, ms=best, conflicts=len(merged.conflicts))
    with tempfile.TemporaryDirectory() as folder:
        medians = report.race(
            f"{PAIRS} merges of {NODES} nodes, {EDITS} edits on each side",
            {
                "pergola": lambda: [merge(base=base, ours=o, theirs=t) for o, t in pairs],
                "git merge-file": lambda: [_git(Path(folder), base, o, t) for o, t in pairs],
            },
        )
        whole = [_git(Path(folder), base, o, t) for o, t in pairs]
    clean = sum(merge(base=base, ours=o, theirs=t).clean for o, t in pairs)
    conflicts = sum(len(merge(base=base, ours=o, theirs=t).conflicts) for o, t in pairs)
    report.table(
        "What came of it",
        ["who", "merges", "without conflict", "conflicts", "still a workflow"],
        [
            ["pergola", PAIRS, clean, conflicts, PAIRS],
            [
                "git merge-file", PAIRS, sum(count == 0 for count, _w in whole),
                sum(count for count, _w in whole), sum(readable for _c, readable in whole),
            ],
        ],
    )  # fmt: skip
    ours, theirs = medians.values()
    return {
        "ms_100_nodes": round(percentile(taken, 50), 2),
        "p95_ms": round(percentile(taken, 95), 2),
        "ratio_to_git": round(ours / theirs, 3),
    }


def _hundred(folder: Path) -> Json:
    """One workflow of a hundred real nodes; every seventh has two ways to go on."""
    nodes: list[Json] = []
    for path in sorted(folder.rglob("*.json")):
        for found in read(path.read_bytes()):
            nodes += [n for n in found.workflow["nodes"] if n["type"] != STICKY]
    nodes = random.Random(100).sample(nodes, NODES)
    for number, node in enumerate(nodes):
        node.update(id=f"node-{number}", name=f"{node['name'][:40]} {number}",
                    position=[number % 10 * 220, number // 10 * 200])  # fmt: skip
    workflow: Json = {"name": "Hundred", "nodes": nodes, "connections": {}, "settings": {}}
    for number in range(NODES - 1):
        connect(workflow, nodes[number]["name"], nodes[number + 1]["name"])
        if number % 7 == 0 and number + 5 < NODES:
            connect(workflow, nodes[number]["name"], nodes[number + 5]["name"], 1)
    return deepcopy(workflow)


def _git(folder: Path, base: Json, ours: Json, theirs: Json) -> tuple[int, bool]:
    """How many conflicts git sees, and whether what it wrote is JSON still."""
    paths = []
    for name, workflow in (("ours", ours), ("base", base), ("theirs", theirs)):
        path = folder / f"{name}.json"
        path.write_text(json.dumps(workflow, indent=2), encoding="utf-8")
        paths.append(str(path))
    command = [shutil.which("git") or "git", "merge-file", "-p", *paths]
    done = subprocess.run(command, capture_output=True, check=False, timeout=30)
    try:
        json.loads(done.stdout)
    except ValueError:
        return done.returncode, False
    return done.returncode, True
