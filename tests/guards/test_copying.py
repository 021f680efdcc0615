"""Every field of a tenant has its rule for the sandbox; what people type is never simply kept."""

import pytest
from django.apps import apps
from django.db import models

from tenants.environments import rules
from tenants.environments.rules import ByService, Copied
from tests.guards.test_schemas import OF_TENANTS, SHARED

OURS = {
    model._meta.label: model
    for model in apps.get_models()
    if model._meta.db_table in OF_TENANTS
    and (
        model._meta.db_table not in SHARED
        or model._meta.label in {"audit.Checkpoint", "audit.Entry", "vault.DataKey"}
    )
}
COPIED = {label: terms for label, terms in rules.declared().items() if isinstance(terms, Copied)}


def test_every_model_of_a_tenant_is_declared() -> None:
    assert set(OURS) - set(rules.declared()) == set(), "say what becomes of it in a sandbox"
    assert set(rules.declared()) - set(OURS) == set(), "these are gone: take them out"


@pytest.mark.parametrize("label", sorted(COPIED))
def test_every_field_of_a_copied_model_has_its_rule(label: str) -> None:
    fields = {field.name for field in OURS[label]._meta.concrete_fields}

    assert fields - set(COPIED[label].fields) == set(), "say what becomes of the new field"
    assert set(COPIED[label].fields) - fields == set(), "these are gone: take them out"


@pytest.mark.parametrize("label", sorted(COPIED))
def test_no_text_is_kept_as_it_is(label: str) -> None:
    """Whatever a choice says, the database would hold any text."""
    kept = {
        field.name
        for field in OURS[label]._meta.concrete_fields
        if isinstance(field, models.CharField | models.TextField | models.JSONField)
        and COPIED[label].fields[field.name] is rules.keep
    }

    assert kept == set()


def test_a_field_that_nobody_declared_would_be_found(monkeypatch: pytest.MonkeyPatch) -> None:
    fields = {name: rule for name, rule in COPIED["orders.Order"].fields.items() if name != "note"}
    monkeypatch.setitem(COPIED, "orders.Order", Copied("orders", fields))

    with pytest.raises(AssertionError, match="note"):
        test_every_field_of_a_copied_model_has_its_rule("orders.Order")


def test_a_text_that_is_kept_would_be_found(monkeypatch: pytest.MonkeyPatch) -> None:
    fields = COPIED["orders.Order"].fields | {"note": rules.keep}
    monkeypatch.setitem(COPIED, "orders.Order", Copied("orders", fields))

    with pytest.raises(AssertionError, match="note"):
        test_no_text_is_kept_as_it_is("orders.Order")


def test_what_is_copied_by_service_has_one() -> None:
    by_service = {t.what for t in rules.declared().values() if isinstance(t, ByService)}

    assert by_service == set(rules.actions())
