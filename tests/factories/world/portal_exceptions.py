"""An exception that can be handled, and one for each way to be done with it."""

from controlplane.core.actor import system
from controlplane.events.exceptions.opening import open_case
from controlplane.events.models import Delivery, Source
from tests.factories.events import make_event
from tests.factories.world import Part


def part(url: str) -> Part:
    source = Source.objects.get(slug="north-only")
    event = make_event(source, number=7001, email="tarn@customer.example")
    delivery = Delivery.objects.filter(event=event).first()

    def case(name: str) -> object:
        return open_case(
            type="rejected", fingerprint=name, event=event, delivery=delivery,
            summary="It was refused", detail="tarn", by=system("tests"),
        ).pk  # fmt: skip

    return Part(
        rows={"exception_id": case("one"), "resolvable": case("two"), "retryable": case("three")},
        bodies={
            "exceptions/bulk/": {"action": "assign", "exception": "{exception_id}"},
            "exceptions/<uuid:exception_id>/comment/": {"text": "Looked at it."},
            "exceptions/<uuid:exception_id>/assign/": {"assignee": ""},
            "exceptions/<uuid:exception_id>/edit/": {"body": '{"name": "#7001"}'},
            "exceptions/<uuid:exception_id>/resolve/": {"resolution": "by_hand", "text": "Done."},
            "sources/<slug:slug>/options/": {"is_ordered": "on"},
            "sources/<slug:slug>/name/": {"name": "Another name"},
            "sources/<slug:slug>/switch/": {"to": "off", "sure": "yes"},
            "sources/<slug:slug>/remove/": {"sure": "yes"},
            "installations/<uuid:installation_id>/by-hand/": {"delivery": "{delivery_id}"},
        },
        inputs={
            "event.emit": {"payload": {"a": 1}, "external_id": "x-1"},
            "exception.open": {"summary": "Something is missing"},
            "exception.comment": {"text": "Looked at it."},
            "exception.resolve": {"exception_id": "{resolvable}"},
            "exception.retry": {"exception_id": "{retryable}"},
        },
        secrets={"tarn"},
    )
