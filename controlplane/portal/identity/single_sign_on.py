"""Which provider stands at which host, and whom it lets in."""

import hmac
from typing import Any

import requests
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialApp, SocialLogin
from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from controlplane.core.actor import system
from controlplane.core.logs import get_logger
from controlplane.core.outward import OutwardSession
from controlplane.portal.identity.accounts import refused
from controlplane.portal.identity.openid_connect import NONCE, PartnerProvider
from tenants.models import SecurityEvent, SingleSignOn, Tenant
from tenants.security.events import note
from tenants.security.networks import network_behind
from tenants.single_sign_on import SignOnRefused, known_person, person_behind, providers_of

log = get_logger(__name__)


def offered_at(tenant: Tenant | None) -> list[tuple[str, str]]:
    """Name and address of each sign-on by which people come in at the tenant's host."""
    if tenant is None:
        return []
    return [
        (sign_on.partner.name, reverse("openid_connect_login", args=[sign_on.partner_id]))
        for sign_on in providers_of(tenant)
    ]


class SingleSignOnAdapter(DefaultSocialAccountAdapter):
    """The providers of the partners that are engaged with the host's tenant, and no others."""

    def list_apps(
        self, request: HttpRequest, provider: str | None = None, client_id: str | None = None
    ) -> list[SocialApp]:
        if request is None or request.tenant is None:
            return []
        apps = [_as_app(sign_on) for sign_on in providers_of(request.tenant)]
        return [app for app in apps if provider in (None, app.provider, app.provider_id)]

    def get_provider(
        self, request: HttpRequest, provider: str, client_id: str | None = None
    ) -> PartnerProvider:
        return PartnerProvider(request, app=self.get_app(request, provider=provider))

    def get_requests_session(self) -> requests.Session:
        return OutwardSession(private_hosts=settings.OIDC_PRIVATE_HOSTS)

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        return False  # who is new was made a member in `pre_social_login` already

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Finds or makes the person. The provider's answer was verified but for the nonce."""
        sign_on: SingleSignOn = sociallogin.provider.app.sign_on
        try:
            _require_our_nonce(sociallogin)
            if sociallogin.is_existing:
                known_person(sign_on=sign_on, user=sociallogin.user)
                return
            sociallogin.connect(request, _person(sign_on, sociallogin.claims))
        except SignOnRefused as error:
            self._note(request, sign_on, str(error))
            raise ImmediateHttpResponse(refused(request, error.detail)) from error

    def on_authentication_error(
        self,
        request: HttpRequest,
        provider: Any,
        error: Any = None,
        exception: Exception | None = None,
        extra_context: Any = None,
    ) -> None:
        self._note(request, provider.app.sign_on, str(exception or error))
        why = _("%(partner)s’s sign-on did not answer as it should. Start again from the log-in.")
        said = why % {"partner": provider.name}
        raise ImmediateHttpResponse(refused(request, said))

    def _note(self, request: HttpRequest, sign_on: SingleSignOn, reason: str) -> None:
        log.warning("sign_on.refused", partner=sign_on.partner.slug, reason=reason)
        kind = SecurityEvent.Kind.FAILED_LOG_IN
        note(kind, tenant=request.tenant, network=network_behind(request))


def _as_app(sign_on: SingleSignOn) -> SocialApp:
    """As allauth wants it: a row that is never saved, since the secret stands encrypted in ours."""
    app = SocialApp(
        provider=PartnerProvider.id,
        provider_id=str(sign_on.partner_id),
        name=sign_on.partner.name[:40],
        client_id=sign_on.client_id,
        secret=sign_on.client_secret,
        settings={"server_url": sign_on.issuer.rstrip("/"), "oauth_pkce_enabled": True},
    )
    app.sign_on = sign_on
    return app


def _require_our_nonce(sociallogin: SocialLogin) -> None:
    given = str(sociallogin.claims.get(NONCE, ""))
    wanted = str((sociallogin.state.get("data") or {}).get(NONCE, ""))
    if not wanted or not hmac.compare_digest(given.encode(), wanted.encode()):
        raise SignOnRefused(_("This answer was meant for another log-in. Start again."))


def _person(sign_on: SingleSignOn, claims: dict[str, Any]) -> User:
    if claims.get("email_verified") not in (True, "true"):
        raise SignOnRefused(
            _("%(partner)s’s sign-on has not verified your e-mail address. Ask there to do so.")
            % {"partner": sign_on.partner.name}
        )
    return person_behind(
        sign_on=sign_on,
        email=str(claims["email"]),
        first_name=str(claims.get("given_name", "")),
        last_name=str(claims.get("family_name", "")),
        by=system(f"sign-on of {sign_on.partner.name}"),
    )
