"""The form by which anybody writes to a tenant's support. It takes in and shows nothing."""

from datetime import datetime

from django.core.signing import BadSignature, Signer
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from controlplane.core.actor import system
from controlplane.core.errors import DomainError
from controlplane.portal.forms.contact import ContactForm
from controlplane.portal.forms.errors import mark
from controlplane.portal.throttle import Throttle
from controlplane.support import services
from controlplane.support.models import Ticket
from tenants.doors import Door, enters

MESSAGES = Throttle("contact", times=5, seconds=10 * 60)
# From however many addresses: more than this nobody writes, and nobody could read.
ALL_MESSAGES = Throttle("contact", times=60, seconds=10 * 60, together=True)
BY = system("contact form")


@require_http_methods(["GET", "HEAD", "POST"])
@enters(Door.HOST)
@never_cache
def write(request: HttpRequest) -> HttpResponse:
    form = ContactForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        for throttle in (MESSAGES, ALL_MESSAGES):  # what the first refuses fills not the second
            if until := throttle.refused_until(request):
                return _too_many(request, form, until, by_all=throttle.together)
        try:
            return redirect(_thanks_for(request, _ticket_of(form)))
        except DomainError as error:
            mark(form, error)
    status = 422 if request.method == "POST" else 200
    return TemplateResponse(request, "portal/contact/write.html", {"form": form}, status=status)


@require_GET
@enters(Door.HOST)
@never_cache
def thanks(request: HttpRequest) -> HttpResponse:
    """Says the number that stands signed in the address: no ticket is looked up for it."""
    try:
        number = _signer(request).unsign(request.GET.get("ticket", ""))
    except BadSignature as error:
        raise Http404 from error
    return TemplateResponse(request, "portal/contact/thanks.html", {"number": number})


def _ticket_of(form: ContactForm) -> Ticket:
    given = form.cleaned_data
    return services.receive_ticket(
        subject=given["subject"],
        body=given["message"],
        requester_name=given["name"],
        requester_email=given["email"],
        channel=Ticket.Channel.FORM,
        by=BY,
    ).ticket


def _too_many(
    request: HttpRequest, form: ContactForm, until: datetime, *, by_all: bool
) -> HttpResponse:
    """What was typed is shown, so that it can be copied or sent again from there."""
    context = {"form": form, "until": until, "by_all": by_all}
    response = TemplateResponse(request, "portal/contact/too_many.html", context, status=429)
    response.headers["Retry-After"] = str(max(1, round((until - timezone.now()).total_seconds())))
    return response


def _thanks_for(request: HttpRequest, ticket: Ticket) -> str:
    return (
        f"{reverse('contact:thanks')}?{urlencode({'ticket': _signer(request).sign(ticket.number)})}"
    )


def _signer(request: HttpRequest) -> Signer:
    return Signer(salt=f"contact:{request.tenant.slug}")
