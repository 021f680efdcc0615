"""`POST /in/<tenant>/<source>`: the way in for events and documents of outside systems."""

from collections.abc import Iterator

from django.http import HttpRequest, JsonResponse, UnreadablePostError
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from controlplane.api.measures import counted
from controlplane.api.problems import BodyUnreadable, answered
from controlplane.core.errors import DomainError
from controlplane.core.logs import bound
from controlplane.events import intake
from controlplane.events.incoming import Incoming
from controlplane.events.kinds import OnlyAPing
from tenants.doors import Door, enters

PIECE = 64 * 1024


class LengthMissing(DomainError):
    code = "length_missing"
    status = 411
    title = "The length of the body is not known"


@enters(Door.PATH)
@csrf_exempt
@require_POST
@counted
@answered
def receive(request: HttpRequest, tenant: str, source: str) -> JsonResponse:
    """202 for a new event, 200 for one that is known: `{"event_id", "duplicate"}`.

    202 with `exception_id`, too, for a shop's body under the number of another event, `event_id`:
    it is kept as that exception. All of it is committed by then. A sender that only tries the
    address gets 200 and no event.
    """
    found = intake.get_source(source)
    incoming = Incoming(
        pieces(request),
        request.headers,
        declared_length(request),
        peer=str(request.META.get("REMOTE_ADDR", "")),
    )
    with bound(source=source):
        try:
            received = intake.receive(source=found, incoming=incoming)
        except OnlyAPing:
            return JsonResponse({"event_id": None, "duplicate": False})
    answer = {"event_id": str(received.event.pk), "duplicate": received.is_duplicate}
    if received.exception_id:
        answer["exception_id"] = str(received.exception_id)
    return JsonResponse(
        answer,
        status=200 if received.is_duplicate else 202,
    )


def declared_length(request: HttpRequest) -> int:
    length = request.headers.get("Content-Length") or ""
    if not length and request.headers.get("Transfer-Encoding"):
        # WSGI knows the end of a body by its length only; Django would read none of it.
        raise LengthMissing("Send the body with a Content-Length, not in chunks of unknown number.")
    return int(length) if length.isdecimal() else 0


def pieces(request: HttpRequest) -> Iterator[bytes]:
    """Read as the kind of source asks for more, so that a document is never held whole."""
    try:
        while piece := request.read(PIECE):
            yield piece
    except UnreadablePostError as error:
        raise BodyUnreadable("The connection ended before the whole body was sent.") from error
