"""The button that takes an invoice out of a quarantine that may have passed."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from controlplane.core import sandbox
from controlplane.invoices import services
from controlplane.invoices.models import Invoice
from tenants.context import inside
from tenants.models import Member, Tenant
from tests.factories.invoices import ADA, make_invoice

Browser = Callable[..., Client]


@pytest.fixture
def crashed(north: Tenant, monkeypatch: pytest.MonkeyPatch) -> Invoice:
    def crash(*_a: Any, **_k: Any) -> Any:
        raise sandbox.Failed("crash")

    with inside(north), monkeypatch.context() as patched:
        patched.setattr(sandbox, "run", crash)
        return services.read_invoice(invoice_id=make_invoice(read=False).pk, by=ADA)


def test_a_manager_has_it_read_again(north: Tenant, browser: Browser, crashed: Invoice) -> None:
    client, page = browser(north, role="manager"), f"/invoices/{crashed.pk}/"
    assert "Read again" in client.get(page).content.decode()

    answer = client.post(f"{page}read-again/", follow=True).content.decode()
    repeated = client.post(f"{page}read-again/", follow=True).content.decode()

    assert "It is read again" in answer
    assert "Sent to be read again" in answer
    assert "In quarantine" not in answer
    assert "is not in quarantine for a reason that may have passed" in repeated
    with inside(north):
        assert Invoice.objects.get().status == "received"


@pytest.mark.parametrize("role", [Member.Role.VIEWER, Member.Role.APPROVER])
def test_nobody_else_does(north: Tenant, browser: Browser, crashed: Invoice, role: str) -> None:
    client, page = browser(north, role=role), f"/invoices/{crashed.pk}/"

    assert "read-again" not in client.get(page).content.decode()
    assert client.post(f"{page}read-again/").status_code == 403


def test_what_is_hostile_has_no_such_button(north: Tenant, browser: Browser) -> None:
    with inside(north):
        invoice = make_invoice(content=b"<Invoice><")

    page = browser(north, role="manager").get(f"/invoices/{invoice.pk}/").content.decode()

    assert "In quarantine" in page
    assert "read-again" not in page


def test_another_tenants_invoice_is_not_there(
    south: Tenant, browser: Browser, crashed: Invoice
) -> None:
    client = browser(south, role="manager")

    assert client.post(f"/invoices/{crashed.pk}/read-again/").status_code == 404
