"""`create_tenant` that is cut off is run again, and whoever asked for a key gets one that works."""

from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tenants import lookup
from tenants.lookup import KeyRefused
from tenants.models import ApiKey, Partner, Tenant
from tenants.provisioning import creation
from tenants.provisioning.schemas import schema_exists
from tenants.provisioning.spares import fill_pool
from tests.integration.tenants.test_interrupted import assert_whole, crash_after

Slug = Callable[[], str]


def create(slug: str, partner: Partner, *further: str) -> str:
    """What it printed; the text of a key begins with pgl_."""
    out = StringIO()
    asked = {"name": "Nordwind", "partner": partner.slug, "key": "ERP", "scope": ["orders:review"]}
    call_command("create_tenant", slug, *further, stdout=out, **asked)
    return out.getvalue()


def key_in(printed: str) -> str:
    (text,) = (line for line in printed.splitlines() if line.startswith("pgl_"))
    return text


BEFORE_THE_COMMIT: dict[str, tuple[Any, str]] = {
    "the row": (creation, "insert_tenant"),
    "a source": (creation, "_find_source"),
    "host and lead": (creation, "furnish"),
    "the schema": (creation, "_become"),
    "the plan": (creation, "plan_steps"),
    "the key": (ApiKey, "issue"),
}


@pytest.mark.parametrize("where", BEFORE_THE_COMMIT)
@pytest.mark.parametrize("ready", [0, 1], ids=["compiled", "spare"])
def test_cut_off_before_the_commit_nothing_was_there(
    where: str, ready: int, new_slug: Slug, partner: Partner
) -> None:
    fill_pool(size=ready)
    slug = new_slug()
    with crash_after(*BEFORE_THE_COMMIT[where]):
        create(slug, partner)
    assert not Tenant.objects.filter(slug=slug).exists()
    assert not schema_exists(f"t_{slug.replace('-', '_')}")

    printed = create(slug, partner)

    assert_whole(slug, partner)
    assert lookup.key_from_text(key_in(printed)).scopes == ["orders:review"]


AFTER_THE_COMMIT: dict[str, tuple[Any, str]] = {
    "before it was printed": (creation.lookup, "forget_tenants"),
    "before its steps": (creation, "begin_again"),
    "before it ended": (creation, "steps_to_do"),
}


@pytest.mark.parametrize("where", AFTER_THE_COMMIT)
def test_cut_off_after_the_commit_another_key_can_be_had(
    where: str, new_slug: Slug, partner: Partner
) -> None:
    slug = new_slug()
    with crash_after(*AFTER_THE_COMMIT[where]):
        create(slug, partner)
    lost = ApiKey.objects.get(tenant__slug=slug)

    with pytest.raises(CommandError, match="was there already; no key was issued"):
        create(slug, partner)
    assert_whole(slug, partner)
    printed = create(slug, partner, "--replace-key")

    key = lookup.key_from_text(key_in(printed))
    assert (key.name, key.scopes) == ("ERP", ["orders:review"])
    lost.refresh_from_db()
    assert not lost.is_usable
    again = create(slug, partner, "--replace-key")
    with pytest.raises(KeyRefused):
        lookup.key_from_text(key_in(printed))
    assert lookup.key_from_text(key_in(again))


def test_where_no_key_of_the_name_is_left_it_is_a_new_one(new_slug: Slug, partner: Partner) -> None:
    slug = new_slug()
    create(slug, partner)
    ApiKey.objects.get(tenant__slug=slug).revoke()

    printed = create(slug, partner, "--replace-key")

    assert lookup.key_from_text(key_in(printed)).scopes == ["orders:review"]
