"""A system inside the customer's network, with a certificate that no browser knows."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from controlplane.connections import services
from controlplane.connections.errors import ConnectionUnreachable
from controlplane.connections.kinds.declaration import FieldsInvalid
from controlplane.connections.models import Connection
from tests.factories.certificates import Authority
from tests.fakes.outside import FakeOutside, running_outside
from tests.integration.connections.conftest import BY

KEY = "key-of-the-warehouse"


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def warehouse(authority: Authority, tmp_path: Path, settings: Any) -> Iterator[FakeOutside]:
    with running_outside(tls=authority.server(tmp_path)) as fake:
        settings.CONNECTION_PRIVATE_HOSTS = [fake.host]
        yield fake


def connected(fake: FakeOutside, name: str = "Warehouse", **values: str) -> Connection:
    given = {"url": fake.url, "api_key": KEY, **values}
    return services.create_connection(
        name=name, kind="rest_key", values=given, allowed_methods=["GET"], by=BY
    )


def test_it_is_reached_by_the_connection_that_trusts_its_authority(
    tenant: Any, warehouse: FakeOutside, authority: Authority
) -> None:
    trusting = connected(warehouse, authority=authority.pem)
    other = connected(warehouse, name="Another")

    answer = services.call(connection=trusting, method="GET", path="/stock", by=BY)
    with pytest.raises(ConnectionUnreachable, match=r"authority of your own.*store") as refused:
        services.call(connection=other, method="GET", path="/stock", by=BY)

    assert answer.status == 200
    assert "Nothing was sent" in refused.value.detail
    assert warehouse.paths() == ["/stock"]


def test_another_authoritys_certificate_does_not_do(tenant: Any, warehouse: FakeOutside) -> None:
    mistaken = connected(warehouse, authority=Authority("Somebody else's").pem)

    with pytest.raises(ConnectionUnreachable):
        services.call(connection=mistaken, method="GET", path="/stock", by=BY)

    assert warehouse.calls == []


def test_who_changes_whom_it_trusts_types_the_secrets_again(
    tenant: Any, warehouse: FakeOutside, authority: Authority
) -> None:
    kept = connected(warehouse, authority=authority.pem)
    values = {"url": warehouse.url, "authority": Authority("Mallory's").pem}

    with pytest.raises(services.SecretsNeeded):
        services.change_connection(
            connection=kept, name="Warehouse", values=values, allowed_methods=["GET"], by=BY
        )


@pytest.mark.parametrize(
    ("pem", "why"),
    [
        ("a certificate", "as PEM"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "as PEM"),
        ("-----BEGIN EC " + "PRIVATE KEY-----\nAAAA", "private key"),
    ],
)
def test_what_is_no_certificate_is_refused(
    tenant: Any, warehouse: FakeOutside, pem: str, why: str
) -> None:
    with pytest.raises(FieldsInvalid) as refused:
        connected(warehouse, authority=pem)

    assert [(error.field, why in error.message) for error in refused.value.errors] == [
        ("authority", True)
    ]


def test_a_bundle_has_an_end(tenant: Any, warehouse: FakeOutside, authority: Authority) -> None:
    with pytest.raises(FieldsInvalid, match="more than 10"):
        connected(warehouse, authority=authority.pem * 11)


def test_what_stands_around_a_certificate_has_to_be_readable_too(
    tenant: Any, warehouse: FakeOutside, authority: Authority
) -> None:
    for around in ("# of Jörg Müller\n", "-----BEGIN CERTIFICATE-----\n"):
        with pytest.raises(FieldsInvalid, match="as PEM"):
            connected(warehouse, authority=around + authority.pem)
