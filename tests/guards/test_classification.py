"""Every field of a tenant's row is classified: redaction, retention and sandboxes ask for it."""

import pytest
from django.apps import apps
from django.db import models

from controlplane.core.classification import PLAIN, Classification, Kind, kind_of
from controlplane.core.crypto import EncryptedTextField
from controlplane.core.withholding import Redactable
from tests.guards.test_schemas import OF_TENANTS

OF_TENANT = [
    model
    for model in apps.get_models()
    if model._meta.db_table in OF_TENANTS - {"django_migrations"}
]


def unclassified(model: type[models.Model]) -> set[str]:
    """Fields that are not named, and names that are no field."""
    declared: Classification = getattr(model, "classified", Classification())
    fields = {field.name for field in model._meta.get_fields() if not field.auto_created}
    return (fields - PLAIN) ^ set(declared.kinds)


def test_there_are_such_models() -> None:
    assert len(OF_TENANT) > 25


@pytest.mark.parametrize("model", OF_TENANT, ids=lambda model: model._meta.label)
def test_every_field_is_health_payload_or_secret(model: type[models.Model]) -> None:
    assert unclassified(model) == set(), "say in `classified` what these hold"


@pytest.mark.parametrize("model", OF_TENANT, ids=lambda model: model._meta.label)
def test_what_is_encrypted_is_secret(model: type[models.Model]) -> None:
    for field in model._meta.concrete_fields:
        if isinstance(field, EncryptedTextField):
            assert kind_of(model, field.name) is Kind.SECRET


@pytest.mark.parametrize("model", OF_TENANT, ids=lambda model: model._meta.label)
def test_what_has_payload_can_be_withheld(model: type[models.Model]) -> None:
    if model.classified.fields_of(Kind.PAYLOAD) and model._meta.label != "knowledge.Posting":
        assert issubclass(model, Redactable)


def test_a_forgotten_field_would_be_found() -> None:
    from controlplane.orders.models import Order

    short = Order.classified
    try:
        Order.classified = Classification(health=short.health, payload="note")
        assert "buyer_name" in unclassified(Order)
    finally:
        Order.classified = short
