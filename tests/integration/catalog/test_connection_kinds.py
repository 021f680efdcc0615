"""A parameter takes connections of the kinds that its template can call, and no others."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from controlplane.catalog.checks import release_faults
from controlplane.catalog.choices import choices_for
from controlplane.catalog.manifest import Manifest, ParameterSpec
from controlplane.catalog.parameters import ParametersInvalid
from controlplane.catalog.schema import parameters_schema
from controlplane.catalog.services import change_parameters
from controlplane.connections.models import Connection
from controlplane.connections.services import create_connection, stand_in
from controlplane.core.actor import system
from tenants.context import inside
from tenants.models import Tenant
from tests.factories.installations import MANIFEST, make_installation, make_release, workflow

BY = system("tests")
Browser = Callable[..., Client]
VALUES: dict[str, dict[str, Any]] = {
    "rest_key": {"url": "https://till.example", "key_name": "X-Key", "api_key": "secret"},
    "shopify": {"shop": "north.myshopify.com", "access_token": "shpat_" + "0" * 32},
    "smtp": {"host": "mail.example.com", "sender": "orders@example.com"},
}


def connected(kind: str) -> Connection:
    return create_connection(name=f"Our {kind}", kind=kind, values=VALUES[kind], by=BY)


def spec(*kinds: str, **more: Any) -> dict[str, Any]:
    return {
        "name": "system", "type": "connection", "label": "System",
        "connection_kinds": list(kinds), **more,
    }  # fmt: skip


def names(*kinds: str) -> set[str]:
    return {label for _key, label in choices_for(ParameterSpec.model_validate(spec(*kinds)))}


def test_what_is_offered_are_those_that_fit(tenant: Tenant) -> None:
    for kind in VALUES:
        connected(kind)
    stand_in(name="Case mail", kind="stand_in_mail", values={}, by=BY)

    assert names("smtp") == {"Our smtp", "Case mail"}
    assert names("http") == {"Our rest_key", "Our shopify"}
    assert names("shopify") == {"Our shopify"}
    assert names("shopify", "smtp") == {"Our shopify", "Our smtp", "Case mail"}
    assert len(names()) == 4


def test_one_that_does_not_fit_is_refused_and_named(north: Tenant, tmp_path: Path) -> None:
    release = make_release(tmp_path, parameters=[spec("smtp")])
    other = "“Our rest_key”, which is of another kind"
    with inside(north):
        till, mail = str(connected("rest_key").pk), str(connected("smtp").pk)
        with pytest.raises(ParametersInvalid, match=other) as refused:
            make_installation(release, system=till)
        made = make_installation(release, system=mail)
        with pytest.raises(ParametersInvalid, match=other):
            change_parameters(installation_id=made.pk, parameters={"system": till}, by=BY)

    assert refused.value.errors[0].field == "system"
    assert made.parameters == {"system": mail}


def test_kinds_that_nobody_knows_are_named_when_the_template_is_read() -> None:
    manifest = Manifest.model_validate(MANIFEST | {"parameters": [spec("smtp", "fax")]})

    (fault,) = release_faults(manifest, workflow(), {}, is_ours=True)

    assert fault.field == "manifest.parameters.system.connection_kinds"
    assert "'fax'" in fault.message
    with pytest.raises(ValueError, match="only a connection"):
        ParameterSpec.model_validate({**spec("smtp"), "type": "text"})


def test_the_schema_says_which_fit() -> None:
    manifest = Manifest.model_validate(MANIFEST | {"parameters": [spec("smtp")]})
    shown = parameters_schema(manifest)["properties"]["system"]
    assert shown["x-connection-kinds"] == ["smtp"]


def test_the_wizard_offers_those_that_fit_and_the_way_to_make_one(
    north: Tenant, browser: Browser, tmp_path: Path
) -> None:
    make_release(tmp_path, parameters=[spec("smtp")])
    manager, at = browser(north, role="manager"), "/templates/review-orders/clone/"
    with inside(north):
        till = connected("rest_key")

    page = manager.get(at).content.decode()

    assert "Our rest_key" not in page
    assert "There is no connection that fits yet." in page
    assert 'href="/connections/new/smtp/"' in page
    assert "Make a sandbox" not in page
    refused = manager.post(at, {"p-system": str(till.pk)})
    assert refused.status_code == 422
    with inside(north):
        connected("smtp")
    assert "Our smtp" in manager.get(at).content.decode()


def test_who_has_no_sandbox_is_told_that_the_dry_run_needs_one(
    north: Tenant, browser: Browser, tmp_path: Path
) -> None:
    release = make_release(tmp_path)
    release.cases = {"one": {"title": "One"}}
    release.save()

    page = browser(north, role="manager").get("/templates/review-orders/clone/").content.decode()

    assert 'href="/sandbox/"' in page
    assert "Make a sandbox" in page
