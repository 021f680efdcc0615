"""No shared table that is about tenants may be forgotten by a backup."""

import pytest
from django.apps import apps
from django.db import models

from tenants.backup import shared
from tenants.backup.shared import declared
from tenants.models import Tenant
from tests.guards.test_schemas import OF_TENANTS


def about_tenants() -> set[str]:
    """Shared models that refer to a tenant, by key or by the name of its schema."""
    return {
        model._meta.label
        for model in apps.get_models()
        if model._meta.db_table not in OF_TENANTS
        and any(
            field.related_model is Tenant or field.name == "schema_name"
            for field in model._meta.concrete_fields
            if isinstance(field, models.Field)
        )
    }


def test_every_shared_table_about_tenants_is_declared_for_backups() -> None:
    assert about_tenants() - declared() == set(), (
        "keep these in a backup (tenants.backup.shared.keep_shared), or leave them out and say why"
    )
    assert declared() - about_tenants() == set(), "these are about no tenant: take them out"


def test_a_table_that_nobody_declared_would_be_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(shared._kept, "tenants.ApiKey")

    with pytest.raises(AssertionError, match="ApiKey"):
        test_every_shared_table_about_tenants_is_declared_for_backups()
