"""Tenants that a test makes for good, and that are taken away after it."""

import itertools
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connections
from django.test import Client

from tenants.models import Partner, Spare, Tenant
from tenants.provisioning.copies import drop_schemas

_numbers = itertools.count(1)


@pytest.fixture
def committed(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """No rollback: what the test makes is committed, and no spare waits when it begins."""
    with django_db_blocker.unblock():
        _drop_spares()
        try:
            yield
        finally:
            _drop_spares()
            connections.close_all()


@pytest.fixture
def partner(committed: None) -> Partner:
    return Partner.objects.get(slug="partner-yard")


@pytest.fixture
def new_slug(committed: None) -> Iterator[Callable[[], str]]:
    """`new_slug()`: one that nobody has. Its tenant goes after the test, with all that it has."""
    given: list[str] = []

    def make() -> str:
        given.append(f"made-{os.getpid()}-{next(_numbers)}")
        return given[-1]

    yield make
    sandboxes = Tenant.objects.filter(sandbox_of__slug__in=given)
    drop_schemas([row.schema_name for row in sandboxes])
    sandboxes.delete()
    for slug in given:
        drop_schemas([f"t_{slug.replace('-', '_')}"])
    Tenant.objects.filter(slug__in=given).delete()


def _drop_spares() -> None:
    drop_schemas(Spare.objects.values_list("schema_name", flat=True))
    Spare.objects.all().delete()


@pytest.fixture
def operator(db: None) -> Client:
    """Who administers the platform."""
    user = User.objects.create_superuser("root", "root@example.com", "pw")
    client = Client(headers={"host": "localhost"})
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return client
