"""allauth's questions about accounts, answered for this product."""

from ipaddress import ip_address
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.login import get_authentication_records
from allauth.account.internal.flows.reauthentication import get_reauthentication_flows
from allauth.account.internal.userkit import filter_users_by_email, get_user_by_username
from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.mail import EmailMessage
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from controlplane.core.addresses import address_of
from controlplane.portal.context import brand_shown
from controlplane.portal.identity.entrance import refusal
from tenants.environments.marks import marked_subject
from tenants.models import Partner, SecurityEvent
from tenants.models.members import VOUCHED_BY
from tenants.security.events import note
from tenants.security.networks import network_behind, note_network

NOT_FIT = gettext_lazy(
    "Name and password do not fit together. Both are case-sensitive; if you have "
    "forgotten the password, you can set a new one below."
)
# For an address that is none, which only a proxy that is set up wrongly can name.
NOWHERE = "0.0.0.0"  # noqa: S104  (nothing listens on it)


class AccountAdapter(DefaultAccountAdapter):
    """Invited people only, at hosts where they have a role; what fails is counted."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "username_password_mismatch": NOT_FIT,
        "email_password_mismatch": NOT_FIT,
        "too_many_login_attempts": gettext_lazy(
            "This did not work too often. Wait five minutes, then try again, or set a new password."
        ),
        "incorrect_password": gettext_lazy("This is not your password."),
        "incorrect_code": gettext_lazy("This code is wrong, or too old. Take the newest one."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def is_safe_url(self, url: str | None) -> bool:
        """On this host only: another tenant's is not where somebody logs in to."""
        request = self.request
        return url_has_allowed_host_and_scheme(
            url, allowed_hosts={request.get_host()}, require_https=request.is_secure()
        )

    def get_client_ip(self, request: HttpRequest) -> str:
        try:
            return str(ip_address(address_of(request)))
        except ValueError:
            return NOWHERE

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        return "/" if request.tenant else "/admin/"

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return reverse("mfa_index")

    # --- What goes wrong is counted ---

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        # Not by host, as allauth does: each tenant's host would be some more tries.
        return f"login:{_name_in(credentials)}"

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        try:
            super().pre_authenticate(request, **credentials)
        except ValidationError:
            self._note(request, SecurityEvent.Kind.LOCKED_OUT, credentials)
            raise

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        self._note(request, SecurityEvent.Kind.FAILED_LOG_IN, credentials)

    def _note(
        self, request: HttpRequest, kind: SecurityEvent.Kind, credentials: dict[str, Any]
    ) -> None:
        name = _name_in(credentials)
        found = get_user_by_username(name) or next(
            iter(filter_users_by_email(name, prefer_verified=True)), None
        )
        note(kind, tenant=request.tenant, user=found, network=network_behind(request))

    # --- Who comes in ---

    def pre_login(self, request: HttpRequest, user: Any, **kwargs: Any) -> HttpResponse | None:
        """Before a second factor is asked for, whichever way somebody came."""
        if why := refusal(request, user, vouched_by=_vouching(request, user)):
            return refused(request, why)
        return super().pre_login(request, user, **kwargs)  # type: ignore[no-any-return]

    def login(self, request: HttpRequest, user: Any) -> None:
        partner = _vouching(request, user)
        super().login(request, user)
        request.session.pop(VOUCHED_BY, None)
        if partner:
            request.session[VOUCHED_BY] = str(partner.pk)
        note_network(network_behind(request), tenant=request.tenant, user=user)

    # --- Who is asked for the password again ---

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Not within a quarter of an hour after the log-in."""
        records = get_authentication_records(self.request, self.request.user)
        newest = max((record["at"] for record in records), default=0.0)
        if timezone.now().timestamp() - newest < settings.ACCOUNT_REAUTHENTICATION_TIMEOUT:
            return False
        return bool(super().is_reauthentication_required(app=app, **kwargs))

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        if user.is_authenticated and not get_reauthentication_flows(user):
            raise PermissionDenied(
                _("Log out and in again first: this is only possible shortly after logging in.")
            )
        return list(super().get_reauthentication_methods(user))

    # --- The mail with which one sets a password ---

    def get_reset_password_from_key_url(self, key: str) -> str:
        uid, _sep, token = key.partition("-")
        path = reverse("account_reset_password_from_key", kwargs={"uidb36": uid, "key": token})
        return f"{_portal_url(self.request)}{path}"

    def send_password_reset_mail(self, user: User, email: str, context: dict[str, Any]) -> None:
        brand = brand_shown(self.request)
        context = {
            **context,
            "brand": brand,
            "tenant": self.request.tenant,
            "minutes": settings.PASSWORD_RESET_TIMEOUT // 60,
        }
        EmailMessage(
            subject=marked_subject(
                render_to_string("accounts/reset_mail_subject.txt", context), self.request.tenant
            ),
            body=render_to_string("accounts/reset_mail.txt", context),
            from_email=brand.mail_from,
            to=[email],
            reply_to=brand.reply_to,
        ).send()


def refused(request: HttpRequest, why: str) -> HttpResponse:
    return TemplateResponse(request, "accounts/refused.html", {"why": why}, status=403).render()


def _vouching(request: HttpRequest, user: Any) -> Partner | None:
    """The partner whose provider said who this is, be it before a second factor was asked for."""
    records = get_authentication_records(request, user)
    vouching = [record["provider"] for record in records if record["method"] == "socialaccount"]
    return Partner.objects.get(pk=vouching[-1]) if vouching else None


def _name_in(credentials: dict[str, Any]) -> str:
    return str(credentials.get("username") or credentials.get("email") or "").lower()


def _portal_url(request: HttpRequest) -> str:
    return str(request.tenant.portal_url) if request.tenant else settings.PUBLIC_URL
