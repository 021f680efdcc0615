"""API keys: their environment and operations, rotation with an overlap, and what is recorded."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from controlplane.audit.models import Entry
from controlplane.core.actor import Actor, ActorKind
from controlplane.nodes.registry import all_operations
from tenants import keys
from tenants.context import inside
from tenants.lookup import KeyRefused, key_from_text
from tenants.models import ApiKey, Tenant

ADA = Actor(ActorKind.MEMBER, "7", "Ada Lovelace")
SCOPES = ["orders:review", "audit:record"]


def issue(tenant: Tenant, **terms: object) -> tuple[ApiKey, str]:
    return keys.issue_key(tenant=tenant, name="ERP", scopes=SCOPES, by=ADA, **terms)


def test_the_text_says_which_environment_it_opens(north: Tenant, south: Tenant) -> None:
    Tenant.objects.filter(pk=south.pk).update(environment="sandbox", sandbox_of=north)
    south.refresh_from_db()
    _live, live = issue(north)
    _test, test = issue(south)

    assert live.startswith("pgl_live_")
    assert test.startswith("pgl_test_")
    assert key_from_text(live).tenant == north
    assert key_from_text(test).tenant == south
    with pytest.raises(KeyRefused):
        key_from_text(live.replace("_live_", "_test_"))
    with pytest.raises(KeyRefused):
        key_from_text(test.replace("_test_", "_live_"))


def test_a_key_from_before_environments_still_opens(north: Tenant) -> None:
    _key, text = issue(north)

    assert key_from_text(text.replace("_live_", "_")).tenant == north


@pytest.mark.parametrize("text", ["", "pgl", "pgl_live_", "pgl_x_y", "pgl_live_00_11", "Basic x"])
def test_what_is_no_key_is_refused(north: Tenant, text: str) -> None:
    with pytest.raises(KeyRefused):
        key_from_text(text)


def test_a_key_for_some_operations_does_no_other(north: Tenant) -> None:
    _key, text = issue(north, operations=["audit.record"])
    client = Client(headers={"host": "localhost", "authorization": f"Bearer {text}"})
    entry = {"action": "order.exported", "subject_type": "order", "subject_id": "1"}

    assert (
        client.post("/api/v1/operations/audit/record", entry, "application/json").status_code == 200
    )
    other = client.post("/api/v1/operations/order/review", {}, "application/json")
    assert other.status_code == 403
    assert other.json()["code"] == "operation_not_permitted"
    assert "audit.record" in other.json()["detail"]


def test_no_key_for_operations_that_there_are_not(north: Tenant) -> None:
    with pytest.raises(keys.KeyTermsInvalid, match=r"order\.explode"):
        issue(north, operations=["order.explode", "order.review"])
    with pytest.raises(keys.KeyTermsInvalid, match="expired before"):
        issue(north, expires_at=timezone.now() - timedelta(minutes=1))
    assert not ApiKey.objects.exists()


def test_both_keys_are_good_for_the_overlap_and_the_old_one_no_longer(north: Tenant) -> None:
    old, old_text = issue(north, expires_at=timezone.now() + timedelta(days=365))

    new, new_text = keys.rotate_key(key=old, overlap=timedelta(days=7), by=ADA)

    old.refresh_from_db()
    assert key_from_text(old_text) == old
    assert key_from_text(new_text) == new
    assert (old.replaced_by, old.status, new.status) == (new, "replaced", "active")
    assert new.scopes == old.scopes
    assert new.expires_at
    assert new.expires_at > timezone.now() + timedelta(days=364)
    ApiKey.objects.filter(pk=old.pk).update(expires_at=timezone.now())
    with pytest.raises(KeyRefused):
        key_from_text(old_text)
    assert key_from_text(new_text) == new


def test_a_key_that_was_used_a_moment_ago_is_refused_at_once(north: Tenant) -> None:
    # As another process does it: nobody tells this one.
    for change in ({"revoked_at": timezone.now()}, {"expires_at": timezone.now()}):
        key, text = issue(north)
        assert key_from_text(text) == key
        ApiKey.objects.filter(pk=key.pk).update(**change)
        with pytest.raises(KeyRefused):
            key_from_text(text)
    key, text = issue(north)
    assert key_from_text(text).scopes == sorted(SCOPES)
    ApiKey.objects.filter(pk=key.pk).update(scopes=[])
    assert key_from_text(text).scopes == []
    Tenant.objects.filter(pk=north.pk).update(status=Tenant.Status.SUSPENDED)
    with pytest.raises(KeyRefused):
        key_from_text(text)


def test_rotation_never_lengthens_a_life(north: Tenant) -> None:
    soon = timezone.now() + timedelta(hours=1)
    old, _text = issue(north, expires_at=soon)

    keys.rotate_key(key=old, overlap=timedelta(days=7), by=ADA)

    old.refresh_from_db()
    assert old.expires_at == soon


def test_what_is_over_cannot_be_rotated(north: Tenant) -> None:
    key, _text = issue(north)
    keys.rotate_key(key=key, overlap=timedelta(0), by=ADA)
    for ended in (key, _revoked(north)):
        with pytest.raises(keys.KeyEnded):
            keys.rotate_key(key=ended, overlap=timedelta(0), by=ADA)
    fresh, _text = issue(north)
    for overlap in (timedelta(days=-1), timedelta(days=91)):
        with pytest.raises(keys.KeyTermsInvalid):
            keys.rotate_key(key=fresh, overlap=overlap, by=ADA)
    installed, _text = issue(north, installation_id=fresh.pk)
    with pytest.raises(keys.KeyOfInstallation):
        keys.rotate_key(key=installed, overlap=timedelta(0), by=ADA)


def _revoked(tenant: Tenant) -> ApiKey:
    key, _text = issue(tenant)
    assert keys.revoke_key(key=key, by=ADA)
    assert not keys.revoke_key(key=key, by=ADA)
    return key


def test_the_tenants_trail_says_who_did_what_and_holds_no_secret(north: Tenant) -> None:
    key, text = issue(north)
    keys.rotate_key(key=key, overlap=timedelta(days=1), by=ADA)
    key.refresh_from_db()
    keys.revoke_key(key=key, by=ADA)

    with inside(north):
        entries = list(Entry.objects.filter(subject_type="apikey").order_by("sequence"))
    assert [entry.action for entry in entries] == [
        "api_key.issued", "api_key.issued", "api_key.rotated", "api_key.revoked",
    ]  # fmt: skip
    assert {entry.actor_label for entry in entries} == {"Ada Lovelace"}
    assert entries[0].data["after"]["scopes"] == sorted(SCOPES)
    assert set(entries[2].data["after"]) == {"expires_at", "replaced_by_id"}
    told = str([entry.data for entry in entries])
    assert text.rpartition("_")[2] not in told
    assert key.secret_sha256 not in told


def test_a_key_of_another_tenant_is_not_found(north: Tenant, south: Tenant) -> None:
    key, _text = issue(north)

    assert keys.get_key(key.pk, tenant=north) == key
    with pytest.raises(keys.KeyUnknown):
        keys.get_key(key.pk, tenant=south)


def test_a_scope_that_nothing_asks_for_is_refused(north: Tenant) -> None:
    with pytest.raises(keys.KeyTermsInvalid) as refused:
        keys.issue_key(tenant=north, name="ERP", scopes=["orders:everything"], by=ADA)

    assert [fault.field for fault in refused.value.errors] == ["scopes"]
    assert "orders:everything" in refused.value.detail
    assert not ApiKey.objects.exists()


def test_every_scope_that_an_operation_asks_for_is_offered() -> None:
    offered = keys.offered_scopes()

    assert {operation.scope for operation in all_operations()} <= set(offered)
    assert {"events:subscribe", "knowledge:read", "tickets:submit"} <= set(offered)


def test_the_last_use_is_kept_with_the_network_alone(
    north: Tenant, machine: Callable[..., Client]
) -> None:
    client = machine(north)

    client.get("/api/v1/subscriptions", REMOTE_ADDR="203.0.113.77")

    key = ApiKey.objects.get()
    assert key.last_used_at is not None
    assert key.last_used_network == "203.0.113.0/24"
