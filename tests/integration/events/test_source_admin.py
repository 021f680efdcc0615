"""A tenant's admin renames, switches and removes sources by the same services as the portal."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from controlplane.audit.models import Entry
from controlplane.events.models import Source
from tenants.context import inside
from tenants.models import Tenant
from tests.factories.events import make_event, make_source
from tests.factories.support_access import make_entry

LIST = "/t/north/admin/events/source/"


@pytest.fixture
def admin(north: Tenant) -> Client:
    user = User.objects.create_superuser("root", "root@example.com", "correct horse battery")
    make_entry(user, north)
    client = Client(headers={"host": "localhost"})
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def source(north: Tenant) -> Source:
    with inside(north):
        return make_source()


def now(north: Tenant, source: Source) -> Source:
    with inside(north):
        return Source.objects.get(pk=source.pk)


def test_a_source_is_renamed_and_nothing_else_of_it_is_typed(
    admin: Client, north: Tenant, source: Source
) -> None:
    answer = admin.post(f"{LIST}{source.pk}/change/", {"name": "Lamps", "slug": "other"})

    assert answer.status_code == 302
    assert (now(north, source).name, now(north, source).slug) == ("Lamps", "shop")
    with inside(north):
        assert Entry.objects.filter(action="source.renamed").exists()


def test_it_is_switched_and_removed_by_actions(
    admin: Client, north: Tenant, source: Source
) -> None:
    with inside(north):
        make_event(source)
    for what, is_active in (("switch_off", False), ("switch_on", True)):
        admin.post(LIST, {"action": what, "_selected_action": str(source.pk)})
        assert now(north, source).is_active is is_active

    admin.post(LIST, {"action": "remove", "_selected_action": str(source.pk)})

    assert now(north, source).removed_at
    again = admin.post(
        LIST, {"action": "switch_on", "_selected_action": str(source.pk)}, follow=True
    )
    assert "was removed" in again.text
    assert not now(north, source).is_active
