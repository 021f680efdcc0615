"""Coming in and going out: by password, by one-time link, by a mail that lets one set a password.

These pages stand outside the tenant, since users and sessions do.
"""

from typing import Any
from urllib.parse import urlencode

import sesame.utils
from django.contrib.auth import login as start_session
from django.contrib.auth import views as auth
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import resolve_url
from django.template.response import TemplateResponse
from django.urls import reverse, reverse_lazy
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import HttpResponseClientRedirect

from controlplane.portal.doors import in_language_of_tenant
from controlplane.portal.forms.accounts import LogInForm, ResetForm, is_member

_log_in = auth.LoginView.as_view(
    template_name="accounts/login.html",
    authentication_form=LogInForm,
    redirect_authenticated_user=True,
)
_log_out = auth.LogoutView.as_view()


@in_language_of_tenant
def log_in(request: HttpRequest) -> HttpResponseBase:
    # A part of a page whose session has ended would else be replaced by the log-in form.
    if request.htmx:
        address = request.htmx.current_url_abs_path or "/"
        query = urlencode({"next": address})
        return HttpResponseClientRedirect(f"{reverse('accounts:login')}?{query}")
    return _log_in(request)


@require_POST
def log_out(request: HttpRequest) -> HttpResponse:
    return _log_out(request)


@require_GET
@never_cache
@in_language_of_tenant
def enter(request: HttpRequest) -> HttpResponse:
    """The one-time link: using it up and going on, so that the token leaves the address bar."""
    wanted = request.GET.get("next", "")
    is_safe = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    target = wanted if is_safe else resolve_url("/")
    user = sesame.utils.get_user(request, update_last_login=False)
    if user is None or not is_member(user, request.tenant):
        why = "used" if user is None else "not_a_member"
        context = {"why": why, "target": target}
        return TemplateResponse(request, "accounts/link_refused.html", context, status=403)
    start_session(request, user)
    return HttpResponseRedirect(target)


def _step(view: Any, **options: Any) -> Any:
    return in_language_of_tenant(view.as_view(**options))


password_reset = _step(
    auth.PasswordResetView,
    template_name="accounts/reset.html",
    form_class=ResetForm,
    subject_template_name="accounts/reset_mail_subject.txt",
    email_template_name="accounts/reset_mail.txt",
    success_url=reverse_lazy("accounts:password_reset_sent"),
)
password_reset_sent = _step(auth.PasswordResetDoneView, template_name="accounts/reset_sent.html")
password_reset_set = _step(
    auth.PasswordResetConfirmView,
    template_name="accounts/reset_set.html",
    success_url=reverse_lazy("accounts:password_reset_done"),
)
password_reset_done = _step(
    auth.PasswordResetCompleteView, template_name="accounts/reset_done.html"
)
