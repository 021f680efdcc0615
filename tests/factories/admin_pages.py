"""How each page of the admin is used: what its forms are given, and what can be done on it."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.forms import MultipleChoiceField
from django.test import Client, RequestFactory

from controlplane.catalog.models import Release, Rollout
from controlplane.core.actor import system
from controlplane.core.admin import TenantModelAdmin
from controlplane.core.models import new_id
from controlplane.events.models import OutboxMessage
from controlplane.instances.models import Instance
from controlplane.policies.models import LayerPolicy, Policy
from controlplane.policies.services import submit_layer
from controlplane.support.models import TriageExample
from tenants.context import inside
from tenants.engagements import engage_partner
from tenants.models import ApiKey, Member, Partner, SingleSignOn, Tenant
from tests.factories.events import make_event, make_source, make_workspace
from tests.factories.installations import make_installation
from tests.factories.knowledge import make_collection
from tests.factories.support_access import make_entry

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
    "tenants.agreement": Sample(
        make=lambda place: None,
        add=lambda place: {
            "tenant": place.tenant.pk,
            "document": "DPA-1",
            "valid_from": "2026-02-01",
            "agreed_by": "Ida Sturm",
            "data_owner": "Nordwind GmbH",
            "ai_assisted": "suggest",
            "processed_in": "EU",
        },
    ),
    "events.source": Sample(
        # One by which something came in: it stays when it is removed.
        make=lambda place: make_event(make_source("kiosk")).source,
        change={"name": "Desk"},
    ),
    "tenants.apikey": Sample(
        make=lambda place: ApiKey.issue(tenant=place.tenant, name="ERP", scopes=[])[0],
        add=lambda place: {"name": "ERP", "tenant": place.tenant.pk, "scopes": ["orders:review"]},
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
            elif isinstance(value, list) or isinstance(bound.field, MultipleChoiceField):
                data[name] = [str(getattr(each, "pk", each)) for each in value or []]
            else:
                data[name] = "" if value is None else str(value)
    return data


@dataclass
class Trial:
    """One thing that can be done on an admin's pages, with the row to do it to."""

    kind: str
    sample: Sample
    row: Any
    root: str
    entered: Callable[[], Any]
    typed: dict[str, Any]
    """What differs from the form as it is shown."""

    @property
    def is_elsewhere(self) -> bool:
        return self.kind in self.sample.elsewhere

    def send(self, client: Client) -> Any:
        """As a browser does it."""
        if self.kind in {"add", "change"}:
            page = f"{self.root}/add/" if self.row is None else f"{self.root}/{self.row.pk}/change/"
            return client.post(page, {**filled(client.get(page)), **self.typed})
        if self.kind == "delete":
            return client.post(f"{self.root}/{self.row.pk}/delete/", {"post": "yes"})
        chosen = {"_selected_action": [str(self.row.pk)], "post": "y", "confirmed": "1"}
        return client.post(f"{self.root}/", {"action": self.kind, **chosen})


def trial(model: Any, kind: str, place: Place) -> Trial:
    sample = SAMPLES.get(model._meta.label_lower)
    if sample is None:
        pytest.fail(f"say in SAMPLES how “{kind}” of {model.__name__} is tried")
    is_tenants = isinstance(admin.site._registry[model], TenantModelAdmin)
    entered: Any = (lambda: inside(place.tenant)) if is_tenants else nullcontext
    with entered():
        row = None if kind == "add" else sample.make(place)
    page = f"admin/{model._meta.app_label}/{model._meta.model_name}"
    root = f"{'/t/north' if is_tenants else ''}/{page}"
    typed = sample.add(place) if kind == "add" else sample.change
    return Trial(kind, sample, row, root, entered, typed)
