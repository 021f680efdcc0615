"""One event: how it came in, who got it, what was decided by it, what went wrong."""

import json
import uuid
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.http import require_GET

from controlplane.events import services
from controlplane.events.models import Delivery, Event
from controlplane.policies.models import Decision
from controlplane.portal.deliveries import execution_url, fate_of
from controlplane.portal.doors import member_page
from controlplane.portal.trials import trial_of

# So many of each are shown: a retry for ever makes one delivery, not many.
SHOWN = 50


@require_GET
@member_page
def detail(request: HttpRequest, event_id: uuid.UUID) -> HttpResponse:
    event = services.get_event(event_id)
    root = event.revises or event.pk
    context = {
        "section": "sources",
        "event": event,
        "fate": fate_of(event),
        "execution_url": execution_url(event),
        "became": trial_of(event),
        "deliveries": _deliveries(event),
        "decisions": Decision.objects.filter(event_id=event.pk).order_by("-decided_at")[:SHOWN],
        "cases": event.exceptions.defer("body", "headers").order_by("-opened_at")[:SHOWN],
        "first": root if event.revises else None,
        "revisions": Event.objects.filter(revises=root).exclude(pk=event.pk)[:SHOWN],
        "headers": sorted((event.headers or {}).items()),
        "body": _indented(event.body),
    }
    return TemplateResponse(request, "portal/events/detail.html", context)


def _deliveries(event: Event) -> list[Delivery]:
    found = event.deliveries.select_related("subscription").order_by("created_at")
    return list(found[:SHOWN])


def _indented(body: Any) -> str:
    try:
        return json.dumps(json.loads(body), ensure_ascii=False, indent=2)
    except (ValueError, TypeError):
        return str(body)
