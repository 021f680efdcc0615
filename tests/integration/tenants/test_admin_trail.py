"""Every change in the admin stands in the audit trail, with before and after.

Walks all registered pages: one that permits adding, changing or deleting, or offers an action, must
say here how that is tried, or it fails.
"""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import Client, RequestFactory

from controlplane.audit.models import Entry
from controlplane.audit.services import verify_chain
from controlplane.catalog.models import Release, Rollout
from controlplane.core.actor import system
from controlplane.core.admin import TenantModelAdmin
from controlplane.core.admin_trail import LeavesTrail
from controlplane.core.models import new_id
from controlplane.events.models import OutboxMessage
from controlplane.instances.models import Instance
from controlplane.policies.models import LayerPolicy, Policy
from controlplane.policies.services import submit_layer
from controlplane.support.models import TriageExample
from tenants.context import inside
from tenants.engagements import engage_partner
from tenants.models import ApiKey, Member, Partner, SingleSignOn, Tenant
from tests.factories.events import make_workspace
from tests.factories.installations import make_installation, make_release
from tests.factories.knowledge import make_collection
from tests.factories.support_access import make_entry

BACKEND = "django.contrib.auth.backends.ModelBackend"
VERBS = {"add": "added", "change": "changed", "delete": "deleted", "delete_selected": "deleted"}
NOWHERE = "http://127.0.0.1:9"


@dataclass
class Sample:
    """A row to try it on; what a form for a new one is given; one field and its new value."""

    make: Callable[["Place"], Any]
    add: Callable[["Place"], dict[str, Any]] = lambda place: {}
    change: dict[str, Any] = field(default_factory=dict)
    silent: frozenset[str] = frozenset()
    """Kinds that cannot change anything: the page has no field to write in."""
    elsewhere: frozenset[str] = frozenset()
    """Kinds that lead to a page of their own, with tests of its own."""


@dataclass
class Place:
    tenant: Tenant
    partner: Partner
    release: Release
    person: User


def _instance(place: Place) -> Instance:
    return Instance.objects.create(
        name="n8n one", base_url=NOWHERE, shape="shared", partner=place.partner, owner_key="key"
    )


def _rollout(release: Release) -> Rollout:
    return Rollout.objects.create(template=release.template, release=release, shares=[100])


def _other() -> Partner:
    return Partner.objects.create(slug="other", name="Other")


SAMPLES = {
    "auth.user": Sample(
        make=lambda place: User.objects.create_user("vera", "vera@example.com", "pw"),
        add=lambda place: {
            "username": "will",
            "password1": "correct horse battery",
            "password2": "correct horse battery",
            "usable_password": "true",
        },
        change={"first_name": "Vera"},
    ),
    "tenants.partner": Sample(
        make=lambda place: Partner.objects.create(slug="other", name="Other"),
        add=lambda place: {
            "slug": "new",
            "name": "New",
            "kind": "agency",
            "tier": "standard",
            "brand_color": "#123456",
        },
        change={"name": "Another"},
    ),
    "tenants.member": Sample(
        make=lambda place: Member.objects.create(user=place.person, tenant=place.tenant),
        add=lambda place: {"user": place.person.pk, "tenant": place.tenant.pk, "role": "viewer"},
        change={"role": "manager"},
    ),
    "tenants.apikey": Sample(
        make=lambda place: ApiKey.issue(tenant=place.tenant, name="ERP", scopes=[])[0],
        add=lambda place: {"name": "ERP", "tenant": place.tenant.pk, "scopes": "orders:review"},
        silent=frozenset({"change"}),
    ),
    "tenants.tenant": Sample(
        make=lambda place: place.tenant,
        add=lambda place: {
            "name": "East",
            "slug": "east",
            "partner": place.partner.pk,
            "language": "en",
            "time_zone": "UTC",
        },
        change={"name": "Far North"},
    ),
    "tenants.engagement": Sample(
        make=lambda place: engage_partner(
            partner=_other(), tenant=place.tenant, owns=set(), by=system("tests")
        ),
        add=lambda place: {"tenant": place.tenant.pk, "partner": _other().pk, "owns": ["support"]},
        elsewhere=frozenset({"change"}),
    ),
    "tenants.singlesignon": Sample(
        make=lambda place: SingleSignOn.objects.create(
            partner=place.partner,
            issuer="https://login.partner.example",
            client_id="pergola",
            client_secret="secret",
            email_domains=["partner.example"],
        ),
        add=lambda place: {
            "partner": place.partner.pk,
            "issuer": "https://login.partner.example",
            "client_id": "pergola",
            "client_secret": "secret",
            "email_domains": "partner.example",
        },
        change={"client_id": "portal"},
    ),
    "tenants.supportentry": Sample(make=lambda place: make_entry(place.person, place.tenant)),
    "instances.instance": Sample(
        make=_instance,
        add=lambda place: {
            "name": "n8n two",
            "shape": "shared",
            "partner": place.partner.pk,
            "base_url": NOWHERE,
            "new_key": "secret",
        },
        change={"new_key": "a new secret"},
    ),
    "catalog.template": Sample(
        make=lambda place: place.release.template, silent=frozenset({"change"})
    ),
    "catalog.release": Sample(
        make=lambda place: place.release,
        change={"step": "deprecated", "reason": "Replaced by another"},
    ),
    "events.outboxmessage": Sample(
        make=lambda place: OutboxMessage.objects.create(
            schema_name=place.tenant.schema_name, handler="nothing", reference=new_id()
        )
    ),
    "policies.policy": Sample(
        make=lambda place: Policy.objects.first(),
        add=lambda place: {"title": "More", "slug": "more", "context": "order"},
        change={"title": "Stricter"},
    ),
    "catalog.rollout": Sample(
        make=lambda place: _rollout(place.release),
        add=lambda place: {"release": place.release.pk},
        elsewhere=frozenset({"change"}),
    ),
    "policies.layerpolicy": Sample(
        make=lambda place: LayerPolicy.objects.create(
            layer="platform", context="order", slug="embargo", title="Embargo"
        ),
        add=lambda place: {
            "layer": "platform",
            "context": "order",
            "slug": "more",
            "title": "More",
        },
        change={"title": "Stricter"},
    ),
    "policies.layerversion": Sample(
        make=lambda place: submit_layer(
            policy=LayerPolicy.objects.create(
                layer="platform", context="order", slug="embargo", title="Embargo"
            ),
            by=system("tests"),
        )
    ),
    "support.triageexample": Sample(
        make=lambda place: TriageExample.objects.create(text="It is wet", intent="mooring"),
        add=lambda place: {"text": "It is dry", "intent": "mooring"},
        change={"intent": "weather"},
    ),
    "catalog.installation": Sample(
        make=lambda place: make_workspace() and make_installation(place.release)
    ),
    "knowledge.collection": Sample(make=lambda place: make_collection()),
}


def kinds_of(found: Any) -> list[str]:
    """What a superuser may do on its pages, wherever they stand."""
    request = RequestFactory().get("/")
    request.user = User(is_superuser=True, is_active=True)
    with mock.patch("controlplane.core.admin._PlacedModelAdmin._is_here", return_value=True):
        may = [
            k for k in ("add", "change", "delete") if getattr(found, f"has_{k}_permission")(request)
        ]
        return [*may, *found.get_actions(request)]


CHANGES = [
    pytest.param(model, kind, id=f"{model._meta.label_lower}-{kind}")
    for model, found in admin.site._registry.items()
    for kind in kinds_of(found)
]


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


def filled(response: Any) -> dict[str, Any]:
    """What a browser would send of the form that is shown."""
    data: dict[str, Any] = {}
    forms = [response.context["adminform"].form]
    for inline in response.context["inline_admin_formsets"]:
        forms += [inline.formset.management_form, *inline.formset.forms]
    for form in forms:
        for bound in form:
            value, name = bound.value(), bound.html_name
            if callable(value):
                value = value()
            if hasattr(bound.field.widget, "decompress"):
                parts = bound.field.widget.decompress(value)
                data |= {f"{name}_{i}": part or "" for i, part in enumerate(parts)}
            elif (
                bound.field.widget.input_type == "checkbox"
                if hasattr(bound.field.widget, "input_type")
                else False
            ):
                data |= {name: "on"} if value else {}
            elif isinstance(value, list):
                data[name] = [str(getattr(each, "pk", each)) for each in value]
            else:
                data[name] = "" if value is None else str(value)
    return data


@pytest.mark.parametrize(("model", "kind"), CHANGES)
def test_it_is_written_with_before_and_after(
    model: Any, kind: str, place: Place, operator: Client
) -> None:
    sample = SAMPLES.get(model._meta.label_lower)
    if sample is None:
        pytest.fail(f"say in SAMPLES how “{kind}” of {model.__name__} is tried")
    is_tenants = isinstance(admin.site._registry[model], TenantModelAdmin)
    entered: Any = (lambda: inside(place.tenant)) if is_tenants else nullcontext
    with entered():
        row = None if kind == "add" else sample.make(place)
        last = Entry.objects.order_by("-sequence").first()
    name = model._meta.model_name
    root = f"{'/t/north' if is_tenants else ''}/admin/{model._meta.app_label}/{name}"

    if kind == "add":
        form = filled(operator.get(f"{root}/add/"))
        answer = operator.post(f"{root}/add/", {**form, **sample.add(place)})
    elif kind in sample.elsewhere:
        assert operator.get(f"{root}/{row.pk}/change/").status_code == 302
        return
    elif kind == "change":
        form = filled(operator.get(f"{root}/{row.pk}/change/"))
        answer = operator.post(f"{root}/{row.pk}/change/", {**form, **sample.change})
    elif kind == "delete":
        answer = operator.post(f"{root}/{row.pk}/delete/", {"post": "yes"})
    else:
        chosen = {"action": kind, "_selected_action": [str(row.pk)], "post": "y", "confirmed": "1"}
        answer = operator.post(f"{root}/", chosen)
    assert answer.status_code == 302, answer.context and answer.context.get("errors")

    if kind in sample.silent:
        return
    with entered():
        assert verify_chain().broken_at is None
        told = Entry.objects.filter(
            sequence__gt=last.sequence if last else 0, action=f"{name}.{VERBS.get(kind, kind)}"
        ).get()
    assert told.actor_label.startswith("root (platform")
    if kind in VERBS:
        assert bool(told.data["before"]) == (kind != "add")
        assert bool(told.data["after"]) == (kind in {"add", "change"})
    if not is_tenants and isinstance(getattr(row, "tenant", None), Tenant):
        with inside(place.tenant):
            assert Entry.objects.filter(action=told.action, data=told.data).exists()


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
        f"quotas-{new}-amount": "1000",
        f"quotas-{new}-tenant": str(place.tenant.pk),
        f"quotas-{new}-id": "",
    }

    assert operator.post(page, form).status_code == 302

    told = Entry.objects.get(action="quota.added")
    assert told.data["after"]["amount"] == 1000
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
