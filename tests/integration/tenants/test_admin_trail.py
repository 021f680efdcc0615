"""Every change in the admin stands in the audit trail, with before and after.

Walks all registered pages: one that permits adding, changing or deleting, or offers an action, must
say here how that is tried, or it fails.
"""

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import Max
from django.test import Client

from controlplane.audit.models import Entry
from controlplane.audit.services import verify_chain
from controlplane.core.admin import TenantModelAdmin
from controlplane.core.admin_trail import LeavesTrail
from controlplane.core.errors import DomainError
from tenants.context import inside
from tenants.limits.plans import GIB
from tenants.models import Member, Tenant
from tests.factories.admin_pages import CHANGES, Place, filled, trial
from tests.factories.installations import make_release
from tests.factories.support_access import make_entry

BACKEND = "django.contrib.auth.backends.ModelBackend"
VERBS = {"add": "added", "change": "changed", "delete": "deleted", "delete_selected": "deleted"}


@pytest.fixture
def place(north: Tenant, tmp_path: Any) -> Place:
    partner = north.lead_partner
    assert partner is not None
    return Place(
        north, partner, make_release(tmp_path), User.objects.create_user("ada", "ada@example.com")
    )


@pytest.fixture
def operator(north: Tenant) -> Client:
    root = User.objects.create_superuser("root", "root@example.com", "pw")
    make_entry(root, north)
    client = Client(headers={"host": "localhost"})
    client.force_login(root, BACKEND)
    return client


@pytest.mark.parametrize(("model", "kind"), CHANGES)
def test_it_is_written_with_before_and_after(
    model: Any, kind: str, place: Place, operator: Client
) -> None:
    tried = trial(model, kind, place)
    if tried.is_elsewhere:
        assert operator.get(f"{tried.root}/{tried.row.pk}/change/").status_code == 302
        return
    with tried.entered():
        last = Entry.objects.order_by("-sequence").first()
    answer = tried.send(operator)
    assert answer.status_code == 302, answer.context and answer.context.get("errors")

    if kind in tried.sample.silent:
        return
    with tried.entered():
        assert verify_chain().broken_at is None
        told = Entry.objects.filter(
            sequence__gt=last.sequence if last else 0,
            action=f"{model._meta.model_name}.{VERBS.get(kind, kind)}",
        ).get()
    assert told.actor_label.startswith("root (platform")
    if kind in VERBS:
        assert bool(told.data["before"]) == (kind != "add")
        assert bool(told.data["after"]) == (kind in {"add", "change"})
    is_shared = not isinstance(admin.site._registry[model], TenantModelAdmin)
    if is_shared and isinstance(getattr(tried.row, "tenant", None), Tenant):
        with inside(place.tenant):
            assert Entry.objects.filter(action=told.action, data=told.data).exists()


@pytest.mark.parametrize(("model", "kind"), CHANGES)
def test_what_a_service_refuses_is_said_on_the_page(
    model: Any, kind: str, place: Place, operator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = trial(model, kind, place)
    if tried.is_elsewhere:
        return
    with tried.entered():
        there = set(model._default_manager.values_list("pk", flat=True))
        last = Entry.objects.aggregate(last=Max("sequence", default=0))["last"]
    hooks = {"add": "save_model", "change": "save_model", "delete": "delete_model"}
    hook = hooks.get(kind, "delete_queryset" if kind == "delete_selected" else kind)

    def refuses(*_args: Any, **_given: Any) -> None:
        raise DomainError("Not on a Friday. Come back on Monday.")

    monkeypatch.setattr(type(admin.site._registry[model]), hook, refuses)
    answer = tried.send(operator)

    if kind in {"add", "change"}:
        assert answer.status_code == 200
        typed = [tried.typed.get(name) for name in ("name", "title", "username", "first_name")]
        assert all(f'value="{text}"' in answer.content.decode() for text in typed if text)
    else:
        assert answer.status_code == 302
        answer = operator.get(answer["Location"], follow=True)
    assert "Not on a Friday. Come back on Monday." in answer.content.decode()
    with tried.entered():
        assert set(model._default_manager.values_list("pk", flat=True)) == there
        told = f"{model._meta.model_name}.{VERBS.get(kind, kind)}"
        assert not Entry.objects.filter(sequence__gt=last, action=told).exists()
        assert not Entry.objects.filter(action__endswith=".deleted").exists()


def test_of_an_action_that_is_refused_half_way_what_was_done_is_told(
    operator: Client, place: Place, south: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses_the_second(*_args: Any) -> None:
        Tenant.objects.filter(pk=place.tenant.pk).update(name="Nord")
        raise DomainError("South is not to be migrated today.")

    page = type(admin.site._registry[Tenant])
    monkeypatch.setattr(page, "migrate_now", refuses_the_second)
    chosen = [str(place.tenant.pk), str(south.pk)]
    operator.post("/admin/tenants/tenant/", {"action": "migrate_now", "_selected_action": chosen})

    told = Entry.objects.get(action="tenant.migrate_now")
    assert (told.subject_id, told.data["after"]["name"]) == (str(place.tenant.pk), "Nord")


def test_no_page_tells_by_itself_or_not_at_all() -> None:
    """A page that overrides these would have to be looked at one by one."""
    for found in admin.site._registry.values():
        assert isinstance(found, LeavesTrail)
        assert not found.list_editable
        for hook in ("log_addition", "log_change", "log_deletions", "save_formset", "get_object"):
            owner = next(cls for cls in type(found).__mro__ if hook in vars(cls))
            assert owner is LeavesTrail or hook == "get_object", f"{found}.{hook}"


def test_rows_of_an_inline_are_told_too(operator: Client, place: Place) -> None:
    page = f"/admin/tenants/tenant/{place.tenant.pk}/change/"
    form = filled(operator.get(page))
    new = form["quotas-INITIAL_FORMS"]
    form |= {
        "quotas-TOTAL_FORMS": str(int(new) + 1),
        f"quotas-{new}-resource": "storage",
        f"quotas-{new}-amount": "1.5",
        f"quotas-{new}-tenant": str(place.tenant.pk),
        f"quotas-{new}-id": "",
    }

    assert operator.post(page, form).status_code == 302

    told = Entry.objects.get(action="quota.added")
    assert told.data["after"]["amount"] == 1.5 * GIB
    with inside(place.tenant):
        assert Entry.objects.filter(action="quota.added").exists()


def test_what_goes_with_a_deleted_row_is_told(operator: Client, place: Place) -> None:
    Member.objects.create(user=place.person, tenant=place.tenant)

    operator.post(f"/admin/auth/user/{place.person.pk}/delete/", {"post": "yes"})

    told = Entry.objects.filter(action__endswith=".deleted").values_list("action", flat=True)
    assert set(told) == {"user.deleted", "member.deleted"}


def test_that_a_password_changed_is_told_and_not_what_it_is(operator: Client, place: Place) -> None:
    word = "an altogether new password"
    operator.post(
        f"/admin/auth/user/{place.person.pk}/password/",
        {"password1": word, "password2": word, "usable_password": "true"},
    )

    told = Entry.objects.get(action="user.changed")
    place.person.refresh_from_db()
    assert told.data["before"]["password"] != told.data["after"]["password"]
    assert "kept secret" in told.data["after"]["password"]
    assert place.person.password not in str(told.data)


def test_asking_whether_one_is_sure_changes_and_tells_nothing(
    operator: Client, place: Place
) -> None:
    before = Entry.objects.count()
    answer = operator.post(
        "/admin/tenants/tenant/",
        {"action": "suspend", "_selected_action": [str(place.tenant.pk)]},
    )

    assert "Suspend these tenants?" in answer.content.decode()
    assert Entry.objects.count() == before
    place.tenant.refresh_from_db()
    assert place.tenant.status == Tenant.Status.ACTIVE


def test_the_trail_of_the_platform_is_readable(operator: Client, place: Place) -> None:
    page = f"/admin/tenants/partner/{place.partner.pk}/change/"
    operator.post(page, {**filled(operator.get(page)), "name": "Brightline"})
    told = Entry.objects.get(action="partner.changed")

    shown = operator.get("/admin/audit/entry/?q=partner").content.decode()
    assert "name: Partner North → Brightline" in shown
    page = operator.get(f"/admin/audit/entry/{told.pk}/change/").content.decode()
    assert "<del>Partner North</del>" in page
    assert (
        operator.post(f"/admin/audit/entry/{told.pk}/delete/", {"post": "yes"}).status_code == 403
    )
