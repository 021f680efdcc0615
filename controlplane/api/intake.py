"""`POST /in/<tenant>/<source>`: the way in for events of outside systems."""

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, JsonResponse
from django.http.request import RawPostDataException
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from controlplane.api.problems import answered
from controlplane.core.logs import bound
from controlplane.events import intake
from tenants.doors import Door, enters


@enters(Door.PATH)
@csrf_exempt
@require_POST
@answered
def receive(request: HttpRequest, tenant: str, source: str) -> JsonResponse:
    """202 for a new event, 200 for one that is known: `{"event_id", "duplicate"}`."""
    found = intake.get_source(source)
    intake.refuse_oversize(int(request.headers.get("Content-Length") or 0))
    try:
        body = request.body
    except (RequestDataTooBig, RawPostDataException) as error:
        raise intake.BodyTooLarge("The body is larger than this server takes.") from error
    with bound(source=source):
        received = intake.receive(source=found, body=body, headers=request.headers)
    return JsonResponse(
        {"event_id": str(received.event.pk), "duplicate": received.is_duplicate},
        status=200 if received.is_duplicate else 202,
    )
