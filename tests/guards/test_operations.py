"""Node operations: described to the last field, with a scope that somebody is given."""

import json
import re
from collections.abc import Iterator
from typing import get_args

import pytest
import yaml
from django.conf import settings
from django.core.management import CommandError, call_command
from pydantic import BaseModel

from controlplane.api.management.commands import generate
from controlplane.nodes.operation import Operation, undescribed_fields
from controlplane.nodes.registry import all_operations

# Scopes that no template asks for yet: a person gives them to a key by hand.
GIVEN_BY_HAND = {
    "audit:read", "audit:record", "connections:read", "decisions:override", "decisions:read",
    "events:emit", "exceptions:read", "installations:read", "invoices:submit", "knowledge:search",
    "knowledge:write",
    "policies:evaluate", "policies:simulate",
}  # fmt: skip
OPERATIONS = all_operations()
each = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda found: found.key)


def test_the_operations_are_the_ones_that_are_promised() -> None:
    assert {operation.key for operation in OPERATIONS} >= {
        "approval.get", "approval.request", "audit.record", "order.record_outcome", "order.review",
        "knowledge.answer", "knowledge.search", "ticket.hand_over", "ticket.reply", "ticket.triage",
    }  # fmt: skip


@each
def test_every_field_is_described(operation: Operation) -> None:
    assert undescribed_fields(operation.input_model) == []
    assert undescribed_fields(operation.output_model) == []
    assert operation.description.endswith(".")
    assert not operation.action.endswith(".")


@each
def test_names_and_scopes_have_one_form(operation: Operation) -> None:
    assert re.fullmatch(r"[a-z]+\.[a-z]+(_[a-z0-9]+)*", operation.key)
    assert re.fullmatch(r"[a-z]+:[a-z]+", operation.scope)


def models_of(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """It and those in its fields, however deep."""
    yield model
    for field in model.model_fields.values():
        waiting = [field.annotation]
        while waiting:
            kind = waiting.pop()
            waiting.extend(get_args(kind))
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                yield from models_of(kind)


def test_no_two_models_share_a_name() -> None:
    """OpenAPI has one component for a name, so one of the two would be documented as the other."""
    named: dict[str, set[str]] = {}
    for operation in OPERATIONS:
        for given in (operation.input_model, operation.output_model):
            for model in models_of(given):
                shape = json.dumps(model.model_json_schema(), sort_keys=True)
                named.setdefault(model.__name__, set()).add(shape)

    assert len(named) > 60
    assert {name: found for name, found in named.items() if len(found) > 1} == {}


def test_every_scope_is_asked_for_by_a_template_or_given_by_hand() -> None:
    asked = {
        scope
        for path in settings.BASE_DIR.glob("workflow-templates/*/template.yaml")
        for scope in yaml.safe_load(path.read_text())["scopes"]
    }
    scopes = {operation.scope for operation in OPERATIONS}

    assert scopes - asked == GIVEN_BY_HAND, "also take out of the list what a template asks for"


def test_generated_files_are_fresh() -> None:
    call_command("generate", check=True, verbosity=0)


def test_drift_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    drifted = generate.rendered() | {"docs/openapi.json": "{}"}
    monkeypatch.setattr(generate, "rendered", lambda: drifted)

    with pytest.raises(CommandError, match=r"docs/openapi\.json"):
        call_command("generate", check=True)


def test_a_generated_file_too_many_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    fewer = generate.rendered()
    removed = next(name for name in fewer if name.startswith("docs/operations/"))
    del fewer[removed]
    monkeypatch.setattr(generate, "rendered", lambda: fewer)

    with pytest.raises(CommandError, match=re.escape(removed)):
        call_command("generate", check=True)


def test_every_page_has_its_picture() -> None:
    """`make node-pictures` takes them, in n8n's editor."""
    root = settings.BASE_DIR
    pages = [*root.glob("docs/nodes/*.md"), *root.glob("docs/operations/*.md")]
    shown = {
        (page.parent / picture).resolve()
        for page in pages
        for picture in re.findall(r"!\[[^]]+\]\(([^)]+)\)", page.read_text())
    }

    assert len(shown) >= 12
    assert [str(path) for path in shown if not path.is_file()] == []
    assert [path.name for path in shown if path.stat().st_size > 80 * 1024] == []
