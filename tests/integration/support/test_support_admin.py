"""The tenant's admin: tickets are looked at, examples are kept in order, and that is audited."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from controlplane.audit.models import Entry
from controlplane.support.models import TriageExample
from tenants.context import inside
from tenants.models import Tenant
from tests.factories.support import make_ticket
from tests.factories.support_access import make_entry


@pytest.fixture
def admin(north: Tenant) -> Client:
    user = User.objects.create_superuser("root", "root@example.com", "correct horse battery")
    make_entry(user, north)
    client = Client(headers={"host": "localhost"})
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def example(north: Tenant) -> TriageExample:
    with inside(north):
        return TriageExample.objects.create(text="The quay is wet", intent="mooring")


def url(*parts: object) -> str:
    return f"/t/north/admin/support/{'/'.join(map(str, parts))}/"


def test_the_pages_open(admin: Client, north: Tenant, example: TriageExample) -> None:
    with inside(north):
        ticket = make_ticket()

    for parts in (
        ("ticket",), ("ticket", ticket.pk, "change"), ("triagemodel",),
        ("triageexample",), ("triageexample", example.pk, "change"), ("triageexample", "add"),
    ):  # fmt: skip
        assert admin.get(url(*parts)).status_code == 200, parts
    assert admin.post(url("ticket", ticket.pk, "change"), {"subject": "x"}).status_code == 403


def test_an_example_is_changed_and_that_is_recorded(
    admin: Client, north: Tenant, example: TriageExample
) -> None:
    admin.post(
        url("triageexample", example.pk, "change"),
        {"text": "The quay is dry", "intent": "mooring", "urgency": "low", "language": "en"},
    )

    with inside(north):
        assert TriageExample.objects.get(pk=example.pk).text == "The quay is dry"
        entry = Entry.objects.get(action="triage.example_kept")
    assert entry.actor_label == "root (platform support)"


def test_examples_are_deleted_and_that_is_recorded(
    admin: Client, north: Tenant, example: TriageExample
) -> None:
    admin.post(
        url("triageexample"),
        {"action": "delete_selected", "_selected_action": [str(example.pk)], "post": "yes"},
    )

    with inside(north):
        assert not TriageExample.objects.filter(pk=example.pk).exists()
        assert Entry.objects.filter(action="triage.example_deleted").count() == 1
