"""A person's own log-in: password, second factors, passkeys, and where they are logged in.

allauth's views, in the portal's clothes. They stand outside the tenant, as all of a person does.
"""

from typing import Any

from allauth.account import views as account
from allauth.mfa.base import views as factor
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes import views as recovery
from allauth.mfa.totp import views as totp
from allauth.mfa.webauthn import views as passkey
from allauth.usersessions.adapter import get_adapter as get_session_adapter
from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from controlplane.portal.doors import own_page
from tenants.security.factors import has_factor, is_asked


class IndexView(factor.IndexView):
    template_name = "accounts/security/index.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        request = self.request
        sessions = UserSession.objects.purge_and_list(request.user)
        return {
            **super().get_context_data(**kwargs),
            "section": "profile",
            "sessions": sorted(sessions, key=lambda session: session.created_at, reverse=True),
            "is_factor_missing": is_asked(request) and not has_factor(request.user),
        }


def _step(view: Any, template: str, **options: Any) -> Any:
    return own_page(
        view.as_view(template_name=f"accounts/security/{template}.html", **options),
        changes_log_in=True,
    )


index = own_page(IndexView.as_view())
again = _step(account.ReauthenticateView, "again")
again_by_code = _step(factor.ReauthenticateView, "again")
again_by_passkey = _step(passkey.ReauthenticateWebAuthnView, "again_passkey")
password = _step(account.PasswordChangeView, "password")
first_password = _step(account.PasswordSetView, "password")
add_totp = _step(totp.ActivateTOTPView, "totp_add")
remove_totp = _step(totp.DeactivateTOTPView, "totp_remove")
recovery_codes = _step(recovery.ViewRecoveryCodesView, "recovery")
new_recovery_codes = _step(recovery.GenerateRecoveryCodesView, "recovery_new")
add_passkey = _step(passkey.AddWebAuthnView, "passkey_add")
rename_passkey = _step(passkey.EditWebAuthnView, "passkey_rename")


class RemovePasskeyView(passkey.RemoveWebAuthnView):
    """Unlike allauth's, asks whether the last factor may go."""

    def form_valid(self, form: Any) -> HttpResponse:
        from allauth.mfa.adapter import get_adapter

        adapter = get_adapter()
        authenticator: Authenticator = self.get_object()
        if not adapter.can_delete_authenticator(authenticator):
            messages.error(self.request, str(adapter.error_messages["cannot_delete_authenticator"]))
            return redirect("mfa_index")
        return super().form_valid(form)  # type: ignore[no-any-return]


remove_passkey = _step(RemovePasskeyView, "passkey_remove")


@require_http_methods(["GET", "HEAD"])
def to_index(request: HttpRequest) -> HttpResponse:
    """allauth has a page of its own for the list of passkeys; ours shows them with the rest."""
    return redirect("mfa_index")


@require_POST
@own_page
def end_session(request: HttpRequest, session_id: int) -> HttpResponseBase:
    session = get_object_or_404(UserSession, pk=session_id, user=request.user)
    get_session_adapter().end_sessions([session])
    messages.success(request, _("That session was ended."))
    return redirect("mfa_index")
