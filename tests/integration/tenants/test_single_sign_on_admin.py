"""Setting a partner's single sign-on up: the secret goes in and does not come out again."""

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from controlplane.audit.models import Entry
from tenants.models import SingleSignOn, Tenant


@pytest.fixture
def sign_on(north: Tenant) -> SingleSignOn:
    return SingleSignOn.objects.create(
        partner=north.lead_partner,
        issuer="https://login.partner.example",
        client_id="pergola",
        client_secret="s3cret",
        email_domains=["partner.example"],
        default_role="approver",
    )


def test_the_secret_lies_encrypted_and_is_not_in_the_trail(sign_on: SingleSignOn) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT client_secret FROM tenants_singlesignon")
        (stored,) = cursor.fetchone()

    assert "s3cret" not in stored


def test_the_admin_form_shows_no_secret_and_keeps_it(north: Tenant, sign_on: SingleSignOn) -> None:
    root = User.objects.create_superuser("root", "root@example.com", "pw")
    client = Client(headers={"host": "localhost"})
    client.force_login(root, "django.contrib.auth.backends.ModelBackend")
    page = f"/admin/tenants/singlesignon/{sign_on.pk}/change/"
    shown = client.get(page).content.decode()
    assert "s3cret" not in shown
    assert f"{north.portal_url}/accounts/sso/{sign_on.partner_id}/login/callback/" in shown
    form = {
        "partner": sign_on.partner_id, "issuer": sign_on.issuer, "client_id": "pergola",
        "client_secret": "", "email_domains": "partner.example,second.example",
        "default_role": "viewer", "is_active": "on",
    }  # fmt: skip

    assert client.post(page, form).status_code == 302

    sign_on.refresh_from_db()
    assert sign_on.client_secret == "s3cret"
    assert sign_on.email_domains == ["partner.example", "second.example"]
    entry = Entry.objects.get(action="singlesignon.changed")
    assert set(entry.data["after"]) == {"email_domains", "default_role"}
