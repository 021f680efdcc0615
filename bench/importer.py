"""What the importer makes of foreign workflows, and of the same ones broken at random.

Every JSON file below `n8n-workflows` is imported. A *crash* is anything but a workflow or a refusal
that says why. *Credentials left* counts what of a node's credentials (the key, an id, a name of an
account's id) is still in the result. *Differences* are counted by this bench's own reading of the
original: what is gone that the importer does not say it removed, what came back otherwise when the
removals are put back, and what a second import changes. Then each file is damaged `MUTANTS` times:
values are replaced, dropped, doubled and moved, bytes cut and turned.
"""

import json
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.run import Report, need, percentile
from controlplane.workflow.canonical import workflow_hash
from controlplane.workflow.importer.importing import import_export
from controlplane.workflow.importer.result import Imported
from controlplane.workflow.reading import WorkflowUnreadable

MUTANTS = 3
IDS = {"id", "webhookId"}
ODD: list[Any] = [
    None, True, 0, -1, 1e300, "", "x" * 10_000, "__proto__", "\ud800", [], {}, [[[]]], {"a": {}},
    "={{ $('Gone') }}", {"__rl": True}, {"node": "x"}, [None], 10**30, "\0", "🙂",
]  # fmt: skip
Json = dict[str, Any]


def run(data: Path, report: Report) -> dict[str, float]:
    files = sorted(need(data / "n8n-workflows").rglob("*.json"))
    crashes = refused = left = differences = workflows = proposed = 0
    taken = []
    for path in files:
        content = path.read_bytes()
        began = time.perf_counter()
        try:
            found = import_export(content)
        except WorkflowUnreadable as error:
            refused += 1
            report.row(file=path.name, outcome="refused", detail=error.detail)
            report.say(f"{path.name}: {error.detail}")
            continue
        except Exception as error:
            crashes += 1
            report.row(file=path.name, outcome="crashed", detail=repr(error))
            report.say(f"{path.name}: {error!r}")
            continue
        taken.append((time.perf_counter() - began) * 1000)
        for original, imported in zip(_workflows(json.loads(content)), found, strict=True):
            workflows += 1
            proposed += len(imported.proposals)
            still, unlike = _left(original, imported), _differences(original, imported)
            left, differences = left + still, differences + len(unlike)
            report.row(file=path.name, outcome="imported", ms=taken[-1], left=still,
                       differences=len(unlike), proposals=len(imported.proposals))  # fmt: skip
            for difference in unlike[:3]:
                report.say(f"{path.name}: {difference}")
    mutants, broken = _mutants(files, report)
    report.table(
        "Imported",
        ["files", "workflows", "refused", "crashed", "parameters proposed", "median ms", "p95 ms",
         "damaged files", "crashed on those"],
        [[len(files), workflows, refused, crashes, proposed, percentile(taken, 50),
          percentile(taken, 95), mutants, broken]],
    )  # fmt: skip
    return {
        "files": len(files),
        "crashes": crashes + broken,
        "credentials_left": left,
        "roundtrip_differences": differences,
        "refused": refused,
        "mutants": mutants,
    }


def _workflows(value: Any) -> Iterator[Json]:
    """The same as the importer should find, by the simplest reading of it."""
    if isinstance(value, str):
        value = json.loads(value)
    if isinstance(value, list):
        for inner in value:
            yield from _workflows(inner)
    elif "nodes" in value:
        yield value
    else:
        yield from _workflows(
            next(value[key] for key in ("workflow", "data", "workflows") if key in value)
        )


def _left(original: Json, imported: Imported) -> int:
    text = json.dumps(imported.workflow, ensure_ascii=False)
    count = sum("credentials" in node for node in imported.workflow["nodes"])
    for node in original["nodes"]:
        for credential in (node.get("credentials") or {}).values():
            given = credential.get("id") if isinstance(credential, dict) else None
            if isinstance(given, str) and len(given) > 5 and json.dumps(given) in text:
                count += 1
    return count


def _differences(original: Json, imported: Imported) -> list[str]:
    before, after = dict(_flat(_plain(original))), dict(_flat(_plain(imported.restored())))
    found = [f"restored otherwise: {p}" for p in before.keys() | after.keys()
             if before.get(p, KeyError) != after.get(p, KeyError)]  # fmt: skip
    told = {removal.path for removal in imported.removals}
    clean = dict(_flat(_without_connections(imported.workflow)))
    source = dict(_flat(_without_connections(imported.restored())))
    for path in clean.keys() | source.keys():
        if clean.get(path, KeyError) != source.get(path, KeyError) and not any(
            path[:n] in told for n in range(1, len(path) + 1)
        ):
            found.append(f"changed and not said: {path}")
    again = import_export(imported.workflow)[0]
    if again.removals or again.workflow != imported.workflow:
        found.append(f"importing again changes {[r.path for r in again.removals]}")
    if workflow_hash(again.workflow) != workflow_hash(imported.workflow):
        found.append("importing again changes the hash")
    return found


def _plain(workflow: Json) -> Json:
    """A workflow without ids, and with its edges as a set of names."""
    nodes = workflow["nodes"]
    names = {str(node.get("id")): node.get("name") for node in nodes}
    names |= {node.get("name"): node.get("name") for node in nodes}
    ends = sorted(
        repr((names.get(source, source), kind, number, names.get(t["node"], t["node"])))
        for source, kinds in (workflow.get("connections") or {}).items()
        for kind, outputs in kinds.items()
        for number, output in enumerate(outputs)
        for t in output or []
    )
    plain = []
    for node in nodes:
        kept = {key: value for key, value in node.items() if key not in IDS}
        kept["credentials"] = sorted(node.get("credentials") or {})
        plain.append({key: value for key, value in kept.items() if value != []})
    rest = {k: v for k, v in workflow.items() if k not in ("id", "nodes", "connections", "name")}
    rest["settings"] = workflow.get("settings") or {}
    return {**rest, "nodes": plain, "edges": ends}


def _without_connections(workflow: Json) -> Json:
    return {key: value for key, value in workflow.items() if key != "connections"}


def _flat(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _flat(inner, (*path, key))
    elif isinstance(value, list) and value:
        for number, inner in enumerate(value):
            yield from _flat(inner, (*path, number))
    else:
        yield path, repr(value)


def _mutants(files: list[Path], report: Report) -> tuple[int, int]:
    tried = crashed = 0
    for number, path in enumerate(files):
        content = path.read_bytes()
        for seed in range(MUTANTS):
            chance = random.Random(number * MUTANTS + seed)
            source = damaged(content, chance)
            tried += 1
            try:
                for imported in import_export(source):
                    workflow_hash(imported.workflow)
                    imported.restored()
            except WorkflowUnreadable:
                continue
            except Exception as error:
                crashed += 1
                report.row(file=path.name, outcome="crashed", seed=seed, detail=repr(error))
                report.say(f"{path.name}, damaged by seed {seed}: {error!r}")
    return tried, crashed


def damaged(content: bytes, chance: random.Random) -> Any:
    """A file that somebody edited badly: its structure, or its bytes."""
    if content and chance.random() < 0.2:
        at = chance.randrange(len(content))
        cut = content[at : at + chance.randrange(1, 40)]
        return content[:at] + chance.choice([b"", cut[::-1], b"\xff\xfe", b"[" * 2000]) + (
            content[at + len(cut) :])  # fmt: skip
    try:
        value = json.loads(content)
    except ValueError:
        return content[::-1]
    for _time in range(chance.randrange(1, 6)):
        _damage(value, chance)
    return value if chance.random() < 0.5 else json.dumps(value)


def _damage(value: Any, chance: random.Random) -> None:
    while True:
        keys = list(value) if isinstance(value, dict) else list(range(len(value)))
        if not keys:
            return
        key = chance.choice(keys)
        if isinstance(value[key], dict | list) and chance.random() < 0.8:
            value = value[key]
            continue
        match chance.randrange(5):
            case 0:
                del value[key]
            case 1:
                value[key] = chance.choice(ODD)
            case 2 if isinstance(value, list):
                value.append(value[key])
            case 3 if isinstance(value, dict):
                value[chance.choice(["__proto__", "nodes", "", "node", "id"])] = value.pop(key)
            case _:
                value[key] = [value[key]]
        return
