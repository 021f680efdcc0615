"""Whatever somebody does leaves an entry: every function that is told by whom ends in `record`.

Found in the syntax trees, by following imports: a public function of the product that takes
`by: Actor` calls one that writes to the chain, or stands below with the reason why it need not.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from django.conf import settings

ROOT = Path(settings.BASE_DIR)
WRITES = {
    ("controlplane.audit.services", "record"),
    ("controlplane.audit.services", "link_entries"),
    ("controlplane.audit.changes", "record_change"),
}
# Take an actor and leave no entry of their own, and why.
NEED_NOT = {
    "controlplane.approvals.electorate.assert_takes_part": "reads",
    "controlplane.approvals.electorate.ballot": "reads",
    "controlplane.approvals.electorate.takes_part": "reads",
    "controlplane.approvals.electorate.ways": "reads",
    "controlplane.approvals.electorate.why_not": "reads",
    "controlplane.approvals.operations.get": "reads",
    "controlplane.approvals.operations.list_approvals": "reads",
    "controlplane.approvals.queries.waiting_for": "reads",
    "controlplane.approvals.services.deciding.assert_person": "refuses, or does nothing",
    "controlplane.approvals.services.requesting.note_causer": "`override_decision` tells it",
    "controlplane.approvals.subjects.tell_ended": "`end_approval` has told it",
    "controlplane.approvals.subjects.tell_requested": "`request_approval` tells it",
    "controlplane.audit.operations.list_entries": "reads",
    "controlplane.audit.operations.verify": "reads",
    "controlplane.audit.verifying.start_verification": "`run_verification` tells what came of it",
    "controlplane.catalog.operations.list_installations": "reads",
    "controlplane.catalog.trying.given.provide": "what it brings in is told by its own service",
    "controlplane.catalog.trying.sending.send": "the event's row says what was sent",
    "controlplane.connections.operations.list_connections": "reads",
    "controlplane.events.delivery.claim": "the delivery's row says when it was fetched",
    "controlplane.events.exceptions.opening.add_note": "the note says who; its caller tells it",
    "controlplane.events.exceptions.opening.open_case": "its first note says who",
    "controlplane.events.exceptions.opening.settle": "its note says who; a person's is told",
    "controlplane.events.operations.get_event": "reads",
    "controlplane.events.exceptions.operations.get_exception": "reads",
    "controlplane.events.operations.list_events": "reads",
    "controlplane.events.exceptions.operations.list_exceptions": "reads",
    "controlplane.events.exceptions.operations.open_exception": "its first note says who",
    "controlplane.events.operations.fetch_event": "the delivery's row says when it was fetched",
    "controlplane.events.outbox.forget_all": "of a tenant that goes: its certificate tells",
    "controlplane.events.places.hold_restored": "a part of the restore, which is told",
    "controlplane.events.services.fetch_delivered": "the delivery's row says when it was fetched",
    "controlplane.events.services.publish": "in the transaction of what it tells of",
    "controlplane.events.services.subscribe": "n8n does, when a workflow is switched on",
    "controlplane.events.services.subscriptions_at": "reads",
    "controlplane.events.services.unsubscribe": "n8n does, when a workflow is switched off",
    "controlplane.events.wanted.claim_wanted": "the delivery's row says when it was fetched",
    "controlplane.instances.services.registration.register_instance": "the admin's trail tells",
    "controlplane.instances.services.registration.save_instance": "the admin's trail tells",
    "controlplane.knowledge.operations.search": "reads",
    "controlplane.nodes.operation.run": "calls an operation, which is told by whom itself",
    "controlplane.policies.operations.get": "reads",
    "controlplane.policies.operations.get_simulation": "reads",
    "controlplane.policies.operations.list_decisions": "reads",
    "controlplane.policies.services.decisions.evaluate": "whoever has it judged tells it",
    "controlplane.policies.services.decisions.key_of": "names the actor",
    "controlplane.policies.services.decisions.record_decision_outcome": "the caller tells it",
    "controlplane.policies.services.drafts.note_edit": "the caller tells what it edited",
    "controlplane.portal.approval_page.rules_of": "reads",
    "controlplane.policies.services.layer_drafts.note_layer_edit": "the caller or the admin tells",
    "controlplane.policies.services.layer_gate.assert_may_publish": "refuses, or says what to tell",
    "controlplane.policies.services.layer_gate.others_who_may_approve": "reads",
    "controlplane.policies.subjects.note_ended": "`end_approval` has told it",
    "controlplane.support.starter.seed_examples": "a part of making a tenant, which is told",
    "controlplane.support.subjects.note_ended": "`end_approval` has told it",
    "controlplane.support.subjects.note_waiting": "`request_approval` tells it",
    "tenants.migration.enqueue_migration": "`migrate_tenant` tells it",
    "tenants.provisioning.creation.enqueue_provisioning": "`provision_tenant` tells it",
}
# Who asks a language model, and where the entry with model, prompt and digest of the output is.
ASKS_A_MODEL = {
    "controlplane.knowledge.answers.written": (
        "controlplane.knowledge.answers.keeping:answer.drafted"
    ),
}

Place = tuple[str, str]
"""A module by its dotted name, and a function in it."""


@dataclass
class Module:
    functions: dict[str, list[ast.FunctionDef]] = field(default_factory=dict)
    imported: dict[str, Place] = field(default_factory=dict)


@cache
def modules() -> dict[str, Module]:
    found = {}
    for folder in ("controlplane", "tenants"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            if "migrations" in path.parts:
                continue
            parts = path.relative_to(ROOT).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            found[name] = _read(ast.parse(path.read_text(encoding="utf-8")))
    return found


def _read(tree: ast.Module) -> Module:
    module = Module()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            module.functions.setdefault(node.name, []).append(node)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                module.imported[alias.asname or alias.name] = (node.module, alias.name)
    return module


def resolve(module: str, name: str) -> Place | None:
    """Where a name that the module uses is defined."""
    for _step in range(6):
        known = modules().get(module)
        if known is None:
            return None
        if name in known.functions:
            return module, name
        if name not in known.imported:
            return None
        module, name = known.imported[name]
    return None


def called(module: str, node: ast.FunctionDef) -> Iterator[Place]:
    """What it calls, and what it hands on to be called."""
    for call in ast.walk(node):
        if not isinstance(call, ast.Call):
            continue
        for each in (call.func, *call.args, *(keyword.value for keyword in call.keywords)):
            place = None
            if isinstance(each, ast.Name):
                place = resolve(module, each.id)
            elif isinstance(each, ast.Attribute):
                place = _of_attribute(module, each)
            if place is not None:
                yield place


def _of_attribute(module: str, node: ast.Attribute) -> Place | None:
    """`services.decide` of an imported module; `self.decide` of the same one."""
    if isinstance(node.value, ast.Name):
        if node.value.id in {"self", "cls"}:
            return resolve(module, node.attr)
        if imported := modules()[module].imported.get(node.value.id):
            return resolve(".".join(imported), node.attr)
    return None


def reaches_the_chain(place: Place, seen: set[Place]) -> bool:
    if place in WRITES:
        return True
    if place in seen:
        return False
    seen.add(place)
    module, name = place
    return any(
        reaches_the_chain(each, seen)
        for node in modules()[module].functions[name]
        for each in called(module, node)
    )


def is_told_by_whom(node: ast.FunctionDef) -> bool:
    arguments = [*node.args.args, *node.args.kwonlyargs]
    return not node.name.startswith("_") and any(
        each.arg == "by" and each.annotation is not None and "Actor" in ast.unparse(each.annotation)
        for each in arguments
    )


def told() -> set[Place]:
    return {
        (module, name)
        for module, known in modules().items()
        for name, nodes in known.functions.items()
        if any(map(is_told_by_whom, nodes))
    }


def silent() -> set[str]:
    return {f"{m}.{n}" for m, n in told() if not reaches_the_chain((m, n), set())}


def test_whatever_somebody_does_leaves_an_entry() -> None:
    found = silent()

    assert found - set(NEED_NOT) == set(), (
        "end it with `record`, or say in NEED_NOT why nothing was done that somebody may ask about"
    )
    assert set(NEED_NOT) - found == set(), "these leave an entry now: take them out"


def test_what_leaves_none_would_be_found() -> None:
    assert len(told()) > 100
    assert reaches_the_chain(("controlplane.approvals.services.deciding", "decide"), set())
    assert not reaches_the_chain(("controlplane.core.http", "client"), set())


def test_what_a_model_said_leaves_an_entry() -> None:
    asking = {
        module
        for module, known in modules().items()
        for nodes in known.functions.values()
        for node in nodes
        if ("controlplane.knowledge.llm", "complete") in set(called(module, node))
    }

    assert asking == set(ASKS_A_MODEL), "say here where the entry is that tells what it said"
    for entry in ASKS_A_MODEL.values():
        module, _colon, action = entry.partition(":")
        text = (ROOT / Path(*module.split("."))).with_suffix(".py").read_text(encoding="utf-8")
        assert f'action="{action}"' in text
        for told_of in ("model", "prompt_version", "output_sha256"):
            assert f'"{told_of}"' in text
