"""Coming in and going out: by password, passkey or one-time link, or by a mail to set a password.

allauth's views in the portal's clothes. They stand outside the tenant, since users and sessions do,
and on the platform's host as well, for its admins.
"""

from typing import Any
from urllib.parse import urlencode

import sesame.utils
from allauth.account import views as account
from allauth.account.internal.flows.login import perform_login, record_authentication
from allauth.account.models import Login
from allauth.mfa.base import views as factor
from allauth.mfa.webauthn import views as passkey
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse, reverse_lazy
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import HttpResponseClientRedirect

from controlplane.portal.doors import in_language_of_tenant
from controlplane.portal.identity.entrance import is_member
from controlplane.portal.identity.single_sign_on import offered_at


def _step(view: Any, **options: Any) -> Any:
    return in_language_of_tenant(view.as_view(**options))


class LogInView(account.LoginView):
    template_name = "accounts/login.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {**super().get_context_data(**kwargs), "providers": offered_at(self.request.tenant)}


_log_in = LogInView.as_view()
_log_out = account.LogoutView.as_view()


@in_language_of_tenant
def log_in(request: HttpRequest) -> HttpResponseBase:
    # A part of a page whose session has ended would else be replaced by the log-in form.
    if request.htmx:
        address = request.htmx.current_url_abs_path or "/"
        query = urlencode({"next": address})
        return HttpResponseClientRedirect(f"{reverse('account_login')}?{query}")
    return _log_in(request)


@require_POST
@in_language_of_tenant
def log_out(request: HttpRequest) -> HttpResponseBase:
    return _log_out(request)


@require_GET
@never_cache
@in_language_of_tenant
def enter(request: HttpRequest) -> HttpResponse:
    """The one-time link: using it up and going on, so that the token leaves the address bar.

    A second factor is asked for as at any other log-in.
    """
    wanted = request.GET.get("next", "")
    is_safe = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    target = wanted if is_safe else "/" if request.tenant else "/admin/"
    user = sesame.utils.get_user(request, update_last_login=False)
    has_role = user is not None and (
        is_member(user, request.tenant) if request.tenant else user.is_superuser
    )
    if not has_role:
        why = "used" if user is None else "not_a_member"
        context = {"why": why, "target": target}
        return TemplateResponse(request, "accounts/link_refused.html", context, status=403)
    record_authentication(request, user, method="link")
    return perform_login(request, Login(user=user, redirect_url=target))


second_factor = _step(factor.AuthenticateView, template_name="accounts/factor.html")
log_in_by_passkey = _step(passkey.LoginWebAuthnView)
password_reset = _step(account.PasswordResetView, template_name="accounts/reset.html")
password_reset_sent = _step(account.PasswordResetDoneView, template_name="accounts/reset_sent.html")
password_reset_set = _step(
    account.PasswordResetFromKeyView,
    template_name="accounts/reset_set.html",
    success_url=reverse_lazy("account_reset_password_from_key_done"),
)
password_reset_done = _step(
    account.PasswordResetFromKeyDoneView, template_name="accounts/reset_done.html"
)
