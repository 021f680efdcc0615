"""The kill switch of an installation, and what waits meanwhile."""

import uuid

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods

from controlplane.catalog.services import get_installation
from controlplane.events import pauses
from controlplane.portal import lists
from controlplane.portal.doors import member_page, requires
from controlplane.portal.forms.exceptions import chosen_ids
from tenants.members import actor_of
from tenants.permissions import Permission


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
@requires(Permission.INSTALLATIONS)
def pause(request: HttpRequest, installation_id: uuid.UUID) -> HttpResponse:
    installation = get_installation(installation_id)
    if request.method == "POST":
        pauses.pause_installation(
            installation_id=installation.pk,
            reason=request.POST.get("reason", "").replace("\0", ""),
            by=actor_of(request.member),
        )
        messages.success(request, _("It is paused: nothing is delivered to it any more."))
    return redirect("installations:detail", installation.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
@requires(Permission.INSTALLATIONS)
def resume(request: HttpRequest, installation_id: uuid.UUID) -> HttpResponse:
    installation = get_installation(installation_id)
    if request.method == "POST":
        count = pauses.resume_installation(
            installation_id=installation.pk, by=actor_of(request.member)
        )
        text = ngettext("It goes on; %d event is on its way.",
                        "It goes on; %d events are on their way.", count)  # fmt: skip
        messages.success(request, text % count)
    return redirect("installations:detail", installation.pk)


@require_GET
@member_page
def held(request: HttpRequest, installation_id: uuid.UUID) -> HttpResponse:
    installation = get_installation(installation_id)
    shown = lists.listing(
        request,
        pauses.held(installation.pk),
        search_in=["event__subject", "event__type"],
        sorts={
            "received": "event__received_at",
            "subject": "event__subject",
            "type": "event__type",
        },
        default_sort="received",
    )
    context = {
        "section": "installations",
        "installation": installation,
        "listing": shown,
        "list_id": "held",
    }
    return lists.page_or_part(
        request, "portal/installations/held.html", "portal/installations/_held.html", context
    )


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
@requires(Permission.EXCEPTIONS)
def by_hand(request: HttpRequest, installation_id: uuid.UUID) -> HttpResponse:
    installation = get_installation(installation_id)
    if request.method == "POST":
        count = pauses.set_aside(
            installation_id=installation.pk,
            delivery_ids=chosen_ids(request.POST, "delivery"),
            by=actor_of(request.member),
        )
        text = ngettext("%d event is marked as handled.", "%d events are marked as handled.", count)
        messages.success(request, text % count)
    return redirect("installations:held", installation.pk)
