"""What the importer makes of foreign workflows, and of the same ones broken at random.

Every JSON file below `n8n-workflows` is imported. A *crash* is anything but a workflow or a refusal
that says why. *Credentials left* counts what of a node's credentials (the key, an id, a name of an
account's id) is still in the result. *Differences* are counted by this bench's own reading of the
original: what is gone that the importer does not say it removed, what came back otherwise when the
removals are put back, and what a second import changes. Then the product goes on with it: a draft,
every proposal made a parameter, other values put in and taken out again, and the picture; what a
release could not be made of, or does not come back, is a *product fault*. Then each file is damaged
`MUTANTS` times: values are replaced, dropped, doubled and moved, bytes cut and turned.
"""

import json
import os
import random
import re
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
WRAPPINGS = ("workflow", "workflowData", "workflows", "data", "attributes", "json")
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
IDS = {"id", "webhookId"}
ODD: list[Any] = [
    None, True, 0, -1, 1e300, "", "x" * 10_000, "__proto__", "\ud800", [], {}, [[[]]], {"a": {}},
    "={{ $('Gone') }}", {"__rl": True}, {"node": "x"}, [None], 10**30, "\0", "🙂",
]  # fmt: skip
Json = dict[str, Any]


def run(data: Path, report: Report) -> dict[str, float]:
    files = sorted(need(data / "n8n-workflows").rglob("*.json"))
    _django()
    crashes = refused = left = differences = workflows = proposed = unfit = 0
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
        text = content.decode(json.detect_encoding(content), "replace").removeprefix("\ufeff")
        originals = list(_workflows(json.loads(text)))
        if len(originals) != len(found):
            differences += 1
            report.say(f"{path.name}: {len(found)} workflows, and {len(originals)} are there")
            continue
        for original, imported in zip(originals, found, strict=True):
            workflows += 1
            proposed += len(imported.proposals)
            still, unlike = _left(original, imported), _differences(original, imported)
            left, differences = left + still, differences + len(unlike)
            faults = product_faults(imported)
            unfit += len(faults)
            report.row(file=path.name, outcome="imported", ms=taken[-1], left=still,
                       differences=len(unlike), proposals=len(imported.proposals),
                       faults=len(faults))  # fmt: skip
            for difference in (*unlike[:3], *faults[:3]):
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
        "product_faults": unfit,
        "refused": refused,
        "mutants": mutants,
    }


def _workflows(value: Any) -> Iterator[Json]:
    """The same as the importer should find, by the simplest reading of it."""
    if isinstance(value, str):
        value = json.loads(value) if value.lstrip()[:1] in ("{", "[") else None
    if isinstance(value, list):
        for inner in value:
            yield from _workflows(inner)
    elif isinstance(value, dict):
        within = (key for key in WRAPPINGS if "connections" not in value and key in value)
        found = next(filter(None, (list(_workflows(value[key])) for key in within)), [])
        yield from found or ([value] if "nodes" in value else [])


def _django() -> None:
    """The catalog's own functions need the settings, and no service."""
    import django

    from deploy.offline import NOWHERE

    for name, value in {**NOWHERE, "DJANGO_SETTINGS_MODULE": "controlplane.settings"}.items():
        os.environ.setdefault(name, value)
    django.setup()


def product_faults(imported: Imported) -> list[str]:
    """What is wrong on the way from an import to a clone with every proposal made a parameter."""
    from controlplane.catalog import importing, parameters, places
    from controlplane.catalog.checks import release_faults
    from controlplane.workflow.differences import compare
    from controlplane.workflow.picture.drawing import draw

    workflow = imported.workflow
    try:
        manifest = importing.manifest_of(imported)
        specs = importing.offered(workflow)
        manifest = manifest.model_copy(update={"parameters": specs})
        manifest = type(manifest).model_validate(manifest.model_dump(mode="json"))
        found = [f.message for f in release_faults(manifest, workflow, {}, is_ours=False)]
        values = parameters.filled(manifest, {spec.name: _other(spec) for spec in specs})
        clone = places.with_values(workflow, manifest, values)
        for spec in specs:
            for use in spec.uses:
                wanted = places.written(spec, use, values[spec.name], workflow)
                there = places.standing(clone, use)
                if there != wanted if use.part is None else str(wanted) not in str(there):
                    found.append(f"{spec.name} is not at {use.node}, {use.path}")
        draw(workflow)
        draw(clone, since=workflow)
        if not specs and compare(workflow, clone).changes:
            found.append("a clone without parameters differs")
        back, left = places.exchanged(clone, workflow, manifest, before=values, after={})
    except Exception as error:
        return [f"product: {error!r}"]
    if left or back != workflow:
        found.append(f"taking the values out again leaves {left or 'another workflow'}")
    if importing.offered(workflow, specs):
        found.append("what became a parameter is proposed again")
    return found


def _other(spec: Any) -> Any:
    """A value that the workflow does not have yet, one for each parameter."""
    if spec.type == "schedule":
        return "17 3 * * 2"
    if spec.type == "number":
        return "987654.25"
    return f"https://other.test/{spec.name}" if spec.uses[0].part else f"other {spec.name}"


def _left(original: Json, imported: Imported) -> int:
    """Also in workflows that stand as text in a parameter of another one."""
    text = json.dumps(imported.workflow, ensure_ascii=False).replace("\\", "")
    nodes = [node for workflow in _all_of(imported.workflow) for node in workflow["nodes"]]
    count = sum("credentials" in node for node in nodes if isinstance(node, dict))
    for node in (node for workflow in _all_of(original) for node in workflow["nodes"]):
        held = node.get("credentials") if isinstance(node, dict) else None
        for credential in held.values() if isinstance(held, dict) else ():
            given = credential.get("id") if isinstance(credential, dict) else None
            if isinstance(given, str) and len(given) > 5 and f'"{given}"' in text:
                count += 1
    return count


def _all_of(value: Any) -> Iterator[Json]:
    """The workflow, and those in its parameters, as objects or as JSON in text."""
    if isinstance(value, str) and '"nodes"' in value:
        try:
            value = json.loads(value.removeprefix("="))
        except ValueError:
            return
    if isinstance(value, dict):
        if isinstance(value.get("nodes"), list):
            yield value
        for inner in value.values():
            yield from _all_of(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _all_of(inner)


def _differences(original: Json, imported: Imported) -> list[str]:
    before, after = dict(_flat(_plain(original))), dict(_flat(_plain(imported.restored())))
    found = [f"restored otherwise: {p}" for p in before.keys() | after.keys()
             if before.get(p, KeyError) != after.get(p, KeyError)]  # fmt: skip
    told = {told.path for told in (*imported.removals, *imported.mended)}
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
    ends = sorted({
        repr((names.get(source, source), kind, number, names.get(target, target)))
        for source, kind, number, target in _ends(workflow)
    })  # fmt: skip
    plain = []
    for node in nodes:
        kept = {key: value for key, value in node.items() if key not in IDS}
        kept["credentials"] = sorted(node.get("credentials") or {})
        plain.append({key: value for key, value in kept.items() if value != []})
    rest = {k: v for k, v in workflow.items() if k not in ("id", "nodes", "connections", "name")}
    rest["settings"] = workflow.get("settings") or {}
    return {**rest, "nodes": plain, "edges": ends}


def _ends(workflow: Json) -> Iterator[tuple[str, str, int, str]]:
    """Also where people left a list out, or put an empty one in."""
    connections = workflow.get("connections")
    for source, kinds in connections.items() if isinstance(connections, dict) else ():
        for kind, outputs in kinds.items() if isinstance(kinds, dict) else ():
            outputs = outputs if isinstance(outputs, list) else []
            if any(isinstance(output, dict) and "node" in output for output in outputs):
                outputs = [outputs]
            for number, output in enumerate(outputs):
                for target in output if isinstance(output, list) else ():
                    if isinstance(target, dict) and "node" in target:
                        yield source, kind, number, target["node"]


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
        yield path, repr(UNSTORABLE.sub("\ufffd", value) if isinstance(value, str) else value)


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
                    if faults := product_faults(imported):
                        raise ValueError(faults[0])
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
