"""A partner's own log-in: whom its provider lets in, and what no answer of it may do."""

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.contrib.auth.models import User
from django.test import Client, override_settings

from controlplane.audit.models import Entry
from tenants.invitations import invite_member
from tenants.models import (
    Engagement,
    Member,
    Partner,
    SecurityEvent,
    SingleSignOn,
    Tenant,
)
from tests.fakes.oidc import FakeProvider, running_fake_provider

PASSWORD = "correct horse battery"
ROBIN = {
    "sub": "robin-1", "email": "robin@partner.example", "email_verified": True,
    "given_name": "Robin", "family_name": "Berg",
}  # fmt: skip


@pytest.fixture
def provider(db: None) -> Iterator[FakeProvider]:
    with running_fake_provider() as fake, override_settings(OIDC_PRIVATE_HOSTS=["127.0.0.1"]):
        fake.claims = dict(ROBIN)
        yield fake


@pytest.fixture
def sign_on(north: Tenant, provider: FakeProvider) -> SingleSignOn:
    return SingleSignOn.objects.create(
        partner=north.lead_partner,
        issuer=provider.url,
        client_id=provider.client_id,
        client_secret=provider.client_secret,
        email_domains=["partner.example"],
        default_role="approver",
    )


def at(tenant: Tenant) -> Client:
    return Client(headers={"host": tenant.host})


def leave(client: Client, sign_on: SingleSignOn, query: str = "") -> str:
    """The address at the provider to which one is sent."""
    answer = client.get(f"/accounts/sso/{sign_on.partner_id}/login/{query}")
    assert answer.status_code == 302, answer.content.decode()
    return answer.headers["Location"]


def come_back(client: Client, address: str) -> Any:
    parts = urlsplit(address)
    return client.get(f"{parts.path}?{parts.query}")


def log_in(client: Client, sign_on: SingleSignOn, provider: FakeProvider, query: str = "") -> Any:
    return come_back(client, provider.log_in(leave(client, sign_on, query)))


def test_the_log_in_page_offers_it_at_the_partners_tenants_alone(
    north: Tenant, south: Tenant, sign_on: SingleSignOn
) -> None:
    assert "Log in at Partner North" in at(north).get("/accounts/login/").content.decode()
    assert "Log in at" not in at(south).get("/accounts/login/").content.decode()
    assert at(south).get(f"/accounts/sso/{sign_on.partner_id}/login/").status_code == 404


def test_somebody_new_gets_the_default_role_in_this_partner_alone(
    north: Tenant, south: Tenant, sign_on: SingleSignOn, provider: FakeProvider
) -> None:
    client = at(north)

    answer = log_in(client, sign_on, provider, "?next=/orders/")

    assert answer.headers["Location"] == "/orders/"
    assert client.get("/orders/").status_code == 200
    robin = User.objects.get(email="robin@partner.example")
    assert (robin.get_full_name(), robin.has_usable_password()) == ("Robin Berg", False)
    (member,) = Member.objects.filter(user=robin)
    assert (member.partner, member.role) == (sign_on.partner, "approver")
    assert EmailAddress.objects.get(user=robin).verified
    entry = Entry.objects.get(action="member.added")
    assert entry.actor_label == "Pergola (sign-on of Partner North)"
    client.defaults["HTTP_HOST"] = south.host
    assert client.get("/orders/").status_code == 403


def test_a_known_person_is_found_again_by_number_though_the_address_changed(
    north: Tenant, sign_on: SingleSignOn, provider: FakeProvider
) -> None:
    log_in(at(north), sign_on, provider)
    provider.claims["email"] = "robin.berg@partner.example"

    client = at(north)
    log_in(client, sign_on, provider)

    assert client.get("/orders/").status_code == 200
    assert User.objects.filter(email__endswith="partner.example").count() == 1


def test_a_member_by_password_is_bound_by_the_verified_address(
    north: Tenant, sign_on: SingleSignOn, provider: FakeProvider
) -> None:
    user = User.objects.create_user("robin", "Robin@Partner.example", PASSWORD)
    Member.objects.create(user=user, partner=sign_on.partner, role="manager")
    client = at(north)

    log_in(client, sign_on, provider)

    assert client.get("/keys/").status_code == 200
    assert Member.objects.filter(user__email__iexact="robin@partner.example").count() == 1


def _unverified(fake: FakeProvider) -> None:
    fake.claims["email_verified"] = False


def _foreign_domain(fake: FakeProvider) -> None:
    fake.claims["email"] = "robin@elsewhere.example"


def _lookalike_domain(fake: FakeProvider) -> None:
    fake.claims["email"] = "robin@partner.example.evil.example"


def _wrong_nonce(fake: FakeProvider) -> None:
    fake.overrides["nonce"] = "another"


def _wrong_audience(fake: FakeProvider) -> None:
    fake.overrides["aud"] = "another-client"


def _wrong_party(fake: FakeProvider) -> None:
    fake.overrides |= {"aud": [fake.client_id, "other"], "azp": "other"}


def _wrong_issuer(fake: FakeProvider) -> None:
    fake.overrides["iss"] = "https://login.other.example"


def _other_discovery(fake: FakeProvider) -> None:
    fake.discovery["issuer"] = "https://login.other.example"


def _old(fake: FakeProvider) -> None:
    fake.overrides["exp"] = 1


def _other_key(fake: FakeProvider) -> None:
    fake.signs_with_another_key = True


def _other_person(fake: FakeProvider) -> None:
    fake.email_in_userinfo_only, fake.userinfo_sub = True, "somebody-else"


def _wrong_secret(fake: FakeProvider) -> None:
    fake.client_secret = "changed"


BAD = [
    _unverified, _foreign_domain, _lookalike_domain, _wrong_nonce, _wrong_audience, _wrong_party,
    _wrong_issuer, _old, _other_key, _other_person, _wrong_secret,
]  # fmt: skip


@pytest.mark.parametrize("spoil", BAD, ids=lambda spoil: spoil.__name__.strip("_"))
def test_an_answer_that_does_not_hold_lets_nobody_in(
    north: Tenant,
    sign_on: SingleSignOn,
    provider: FakeProvider,
    spoil: Callable[[FakeProvider], None],
) -> None:
    spoil(provider)
    client = at(north)

    answer = log_in(client, sign_on, provider)

    assert answer.status_code == 403
    assert client.get("/orders/").status_code == 302
    assert not User.objects.filter(email__icontains="robin").exists()
    assert SecurityEvent.objects.get(kind="failed_log_in").tenant == north


def test_a_provider_that_calls_itself_another_is_not_gone_to(
    north: Tenant, sign_on: SingleSignOn, provider: FakeProvider
) -> None:
    _other_discovery(provider)

    assert at(north).get(f"/accounts/sso/{sign_on.partner_id}/login/").status_code == 403


def test_an_address_told_by_userinfo_counts_too(
    north: Tenant, sign_on: SingleSignOn, provider: FakeProvider
) -> None:
    provider.email_in_userinfo_only = True
    client = at(north)

    log_in(client, sign_on, provider)

    assert client.get("/orders/").status_code == 200


def test_an_answer_counts_once_and_in_the_browser_that_asked(
    north: Tenant, sign_on: SingleSignOn, provider: FakeProvider
) -> None:
    client = at(north)
    address = provider.log_in(leave(client, sign_on))

    assert come_back(at(north), address).status_code == 403  # in another's browser
    assert come_back(client, address).status_code == 302
    client.post("/accounts/logout/")
    assert come_back(client, address).status_code == 403
    assert client.get("/orders/").status_code == 302


def test_another_partners_provider_does_not_answer_for_this_one(
    north: Tenant, sign_on: SingleSignOn, provider: FakeProvider
) -> None:
    with running_fake_provider() as other:
        other.claims = dict(ROBIN)
        rival = Partner.objects.create(slug="rival", name="Rival")
        Engagement.objects.create(partner=rival, tenant=north)
        of_rival = SingleSignOn.objects.create(
            partner=rival,
            issuer=other.url,
            client_id=other.client_id,
            client_secret=other.client_secret,
            email_domains=["partner.example"],
        )
        log_in(at(north), sign_on, provider)
        client = at(north)

        # The rival vouches for the same address: that is another partner's person.
        assert log_in(client, of_rival, other).status_code == 403
        # And its answer is not taken where the first one was asked.
        asked = leave(client, sign_on)
        state = asked.partition("state=")[2].partition("&")[0]
        address = other.log_in(leave(client, of_rival)).partition("?")
        code = address[2].partition("code=")[2].partition("&")[0]
        mixed = f"/accounts/sso/{sign_on.partner_id}/login/callback/?code={code}&state={state}"
        assert client.get(mixed).status_code == 403

    assert client.get("/orders/").status_code == 302
    assert not Member.objects.filter(partner=rival).exists()


@pytest.mark.parametrize("who", ["admin", "of another partner", "taken out", "closed"])
def test_it_vouches_for_its_own_people_only(
    north: Tenant, south: Tenant, sign_on: SingleSignOn, provider: FakeProvider, who: str
) -> None:
    user = User.objects.create_user("robin", "robin@partner.example", PASSWORD)
    member = Member.objects.create(user=user, partner=sign_on.partner)
    if who == "taken out":
        log_in(at(north), sign_on, provider)
        member.delete()
    elif who == "of another partner":
        Member.objects.filter(pk=member.pk).update(partner=south.lead_partner)
    else:
        change = {"is_superuser": True} if who == "admin" else {"is_active": False}
        User.objects.filter(pk=user.pk).update(**change)
    client = at(north)

    assert log_in(client, sign_on, provider).status_code == 403
    assert client.get("/orders/").status_code == 302


def _two_partners(north: Tenant, south: Tenant, sign_on: SingleSignOn) -> User:
    user = User.objects.create_user("robin", "robin@partner.example", PASSWORD)
    Member.objects.create(user=user, partner=sign_on.partner, role="viewer")
    Member.objects.create(user=user, partner=south.lead_partner, role="manager")
    return user


def test_a_session_by_it_opens_nothing_of_other_partners(
    north: Tenant, south: Tenant, sign_on: SingleSignOn, provider: FakeProvider
) -> None:
    """Also where both work for the same tenant, and through whatever changes the account."""
    _two_partners(north, south, sign_on)
    Engagement.objects.create(partner=south.lead_partner, tenant=north)
    client = at(north)
    log_in(client, sign_on, provider)

    assert client.get("/orders/").status_code == 200
    assert client.get("/keys/").status_code == 403, "as a viewer of this partner"
    for page in ("password/", "password/first/", "app/add/", "passkeys/add/", "recovery/new/"):
        assert client.get(f"/accounts/security/{page}").status_code == 403, page
    assert "kept there" in client.get("/accounts/security/").content.decode()
    client.defaults["HTTP_HOST"] = south.host
    assert client.get("/orders/").status_code == 403
    client.defaults["HTTP_HOST"] = "localhost"
    assert client.get("/accounts/security/").status_code == 403


def test_a_second_factor_in_between_does_not_loosen_that(
    north: Tenant, south: Tenant, sign_on: SingleSignOn, provider: FakeProvider
) -> None:
    from tests.integration.portal.test_factors import code_of

    user = _two_partners(north, south, sign_on)
    secret = generate_totp_secret()
    TOTP.activate(user, secret)
    client = at(north)
    asked = log_in(client, sign_on, provider)
    assert asked.headers["Location"] == "/accounts/login/factor/"
    assert client.post("/accounts/login/factor/", {"code": code_of(secret)}).status_code == 302

    assert client.get("/orders/").status_code == 200
    client.defaults["HTTP_HOST"] = south.host
    assert client.get("/orders/").status_code == 403


def test_where_it_is_required_no_password_opens(
    north: Tenant, sign_on: SingleSignOn, provider: FakeProvider
) -> None:
    SingleSignOn.objects.update(is_required=True)
    user = User.objects.create_user("robin", "robin@partner.example", PASSWORD)
    Member.objects.create(user=user, partner=sign_on.partner)
    client = at(north)
    page = client.post("/accounts/login/", {"login": "robin", "password": PASSWORD})
    assert "log in by its own sign-on" in page.content.decode()
    assert client.get("/orders/").status_code == 302

    log_in(client, sign_on, provider)

    assert client.get("/orders/").status_code == 200


def test_whom_the_partner_invites_comes_by_it_and_has_the_invited_role(
    north: Tenant, sign_on: SingleSignOn, provider: FakeProvider, member_actor: Any
) -> None:
    SingleSignOn.objects.update(is_required=True)
    _invitation, token = invite_member(
        email="robin@partner.example", role="manager", partner=sign_on.partner, by=member_actor
    )
    client, link = at(north), f"/invitations/{token}/"
    assert "Log in by your partner" in client.get(link).content.decode()
    form = {"first_name": "R", "last_name": "B", "password": "a newer horse 9"}
    client.post(link, form)
    assert not User.objects.filter(email="robin@partner.example").exists()

    answer = log_in(client, sign_on, provider, f"?next={link}")
    assert answer.headers["Location"] == link
    client.post(link)

    assert Member.objects.get(user__email="robin@partner.example").role == "manager"


def test_a_provider_inside_the_network_is_refused(
    north: Tenant, sign_on: SingleSignOn, provider: FakeProvider
) -> None:
    with override_settings(OIDC_PRIVATE_HOSTS=[]):
        answer = at(north).get(f"/accounts/sso/{sign_on.partner_id}/login/")

    assert answer.status_code == 403
    assert provider.asked == []
