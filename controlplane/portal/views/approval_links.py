"""Answering from a mail: the link opens a page that asks, and the page's button answers.

Nobody is logged in here. What is shown is what the mail itself said.
"""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone, translation
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods

from controlplane.approvals import links, services
from controlplane.core.errors import DomainError
from controlplane.portal.doors import in_language_of_tenant
from controlplane.portal.forms.approvals import DecisionForm
from controlplane.portal.throttle import Throttle
from tenants.doors import Door, enters

TRIES = Throttle("approval_link", times=60, seconds=10 * 60)


@require_http_methods(["GET", "HEAD", "POST"])
@enters(Door.HOST)
@never_cache
@in_language_of_tenant
@sensitive_variables("token")
def answer(request: HttpRequest, token: str) -> HttpResponse:
    """GET shows and never decides; POST decides once."""
    if until := TRIES.refused_until(request):
        return _over(request, {"until": until}, 429)
    try:
        opened = links.open_link(token)
    except DomainError as error:
        return _over(request, {"error": error}, error.status)
    contact = opened.person.contact
    with translation.override(contact.language), timezone.override(contact.time_zone):
        response = _answered(request, token, opened)
        return response.render() if isinstance(response, TemplateResponse) else response


def _answered(request: HttpRequest, token: str, opened: links.Opened) -> HttpResponse:
    form = DecisionForm(request.POST or None)
    context = {"approval": opened.approval, "person": opened.person, "form": form}
    if request.method != "POST":
        context["blocked"] = services.blocked_by(opened.approval)
        return _page(request, "ask", context)
    if not form.is_valid():
        return _page(request, "ask", context, 422)
    try:
        decided = links.decide_by_link(
            token=token,
            decision=form.cleaned_data["decision"],
            comment=form.cleaned_data["comment"],
        )
    except services.ApprovalNotReady as error:
        return _page(request, "ask", {**context, "blocked": error.detail}, 409)
    except DomainError as error:
        return _over(request, {"error": error, "comment": form.cleaned_data["comment"]},
                     error.status)  # fmt: skip
    return _page(request, "taken", {"approval": decided, "form": form})


def _page(
    request: HttpRequest, name: str, context: dict[str, Any], status: int = 200
) -> TemplateResponse:
    template = f"portal/approvals/by_mail/{name}.html"
    response = TemplateResponse(request, template, context, status=status)
    # The address is a secret, so nobody else is told it. Not "no-referrer": a browser then sends
    # the form with "Origin: null", which the protection against forged forms refuses.
    response.headers["Referrer-Policy"] = "same-origin"
    return response


def _over(request: HttpRequest, context: dict[str, Any], status: int) -> TemplateResponse:
    return _page(request, "over", context, status)
