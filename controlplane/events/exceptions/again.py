"""How something that went wrong is sent again: as it was, or as a revision."""

import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from controlplane.core.errors import DomainError, FieldError
from controlplane.core.text import made_storable
from controlplane.events import listening, outbox
from controlplane.events.incoming import BodyMalformed, Incoming, parse_object
from controlplane.events.intake import keep
from controlplane.events.kinds import kind_named
from controlplane.events.models import Delivery, Event, ExceptionCase

# Beside a body that is kept in base64.
_ENCODED = {"Content-Transfer-Encoding": "base64"}


@dataclass(frozen=True)
class Work:
    """What a higher floor's exceptions are about. `retry` tries it again, and raises NothingToRetry
    where it is over; `set_aside` lets it be, since somebody has done it by hand."""

    retry: Callable[[ExceptionCase], None]
    set_aside: Callable[[ExceptionCase], None]


_works: dict[str, Work] = {}


class NothingToRetry(DomainError):
    code = "nothing_to_retry"
    status = 409
    title = "There is nothing to try again"


def register_work(kind: str, work: Work) -> None:
    """From AppConfig.ready, for exceptions whose fingerprint begins with `kind` and a colon."""
    _works[kind] = work


def work_of(case: ExceptionCase) -> Work | None:
    return _works.get(case.fingerprint.partition(":")[0])


def kept_text(body: bytes, *, is_text: bool) -> tuple[str, dict[str, str]]:
    """How a body that became no event is kept, and the header that says so. What is not `is_text`,
    a file or a mail, stays as it is to the byte; else what is no UTF-8 is shown, to be corrected.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text and not is_text:
        return base64.b64encode(body).decode(), _ENCODED
    return made_storable(body.decode("utf-8", "backslashreplace")), {}


def _content(text: str, headers: dict[str, str]) -> bytes:
    if _ENCODED.items() <= headers.items():
        try:
            return base64.b64decode(text, validate=True)
        except ValueError:  # somebody put the right text in its place
            pass
    return text.encode("utf-8", "surrogatepass")


def read_kept(case: ExceptionCase, *, body: str | None = None) -> Event:
    """The event that a body is which could not be read before: as it is set up now, or corrected.

    It was verified when it came. Raises NothingToRetry, or what the kind's `read` raises.
    """
    source = case.source
    kind = kind_named(source.kind) if source else None
    if source is None or kind is None or kind.read is None or not (body or case.body):
        raise nothing_to_retry(case)
    text = case.body if body is None else body
    content = _content(text, case.headers)
    event = kind.read(source, content, Incoming.of(content, case.headers))
    if case.type == "duplicate":
        # Its number is taken by another event: it gets one of its own.
        event.external_id = f"{event.external_id[:150]}:{case.pk}"
    return keep(event).event


def deliver_again(case: ExceptionCase) -> None:
    """Offer the event to its workflow once more, to whoever listens for it by now.

    Raises NothingToRetry.
    """
    listening.hold_listeners(alone=False)
    if case.delivery is not None:
        found = [case.delivery]
    elif case.event is not None:
        found = list(case.event.deliveries.filter(subscription__isnull=False))
        if case.workflow_id:
            found = [one for one in found if _workflow_of(one) == case.workflow_id]
    else:
        found = []
    if not found:
        raise nothing_to_retry(case)
    for one in found:
        one.status = Delivery.Status.PENDING
        one.reconciled_at = one.offered_at = one.place_until = one.queued_at = None
        one.asked_at = one.waiting_at = None
        ran = case.workflow_id or one.event.workflow_id
        one.subscription = listening.present_listener(one, workflow_id=ran) or one.subscription
        one.save(
            update_fields=[
                "status", "subscription", "reconciled_at", "offered_at", "place_until",
                "queued_at", "asked_at", "waiting_at", "updated_at",
            ]
        )  # fmt: skip
        # The next run is another one.
        Event.objects.filter(pk=one.event_id).update(execution_id="")
        outbox.put("events.deliver", one.pk)


def revise(case: ExceptionCase, *, body: str) -> Event:
    """A new revision of the event, delivered where the old one failed, in its place in the order.

    Raises NothingToRetry or BodyMalformed.
    """
    original = case.event
    if original is None:
        raise nothing_to_retry(case)
    if not body.strip():
        raise BodyMalformed("The body is empty. Send a JSON object: {…}.")
    parse_object(body.encode("utf-8", "surrogatepass"))
    root = original.revises or original.pk
    revision = 1 + max(
        Event.objects.filter(revises=root).values_list("revision", flat=True), default=1
    )
    event = Event(
        source=original.source,
        type=original.type,
        external_id=f"{root!s}:r{revision}",
        subject=original.subject,
        body=body,
        body_sha256=hashlib.sha256(body.encode()).hexdigest(),
        headers=original.headers,
        received_at=original.received_at,
        is_test=original.is_test,
        is_numbered=True,
        revises=root,
        revision=revision,
    )
    event.save(force_insert=True)
    if case.delivery is None or case.delivery.subscription is None:
        listening.fan_out(event)
        ExceptionCase.objects.filter(pk=case.pk).update(
            event=event, delivery=event.deliveries.first()
        )
        return event
    Delivery.objects.filter(pk=case.delivery.pk).update(status=Delivery.Status.SET_ASIDE)
    ran = case.workflow_id or original.workflow_id
    present = listening.present_listener(case.delivery, workflow_id=ran)
    new = listening.start(event, present or case.delivery.subscription)
    ExceptionCase.objects.filter(pk=case.pk).update(event=event, delivery=new)
    return event


def with_value(text: str, path: str, value: Any) -> str:
    """The body with one field set: `shipping_address.country_code`, `line_items.0.sku`.

    Raises BodyMalformed.
    """
    whole: Any = parse_object(text.encode("utf-8", "surrogatepass"))
    found: Any = whole
    *parents, last = path.split(".")
    for name in parents:
        found = _member(found, name, path)
    if isinstance(found, dict):
        found[last] = value
    elif isinstance(found, list) and last.isdecimal() and int(last) < len(found):
        found[int(last)] = value
    else:
        raise _no_place(path)
    return made_storable(json.dumps(whole, ensure_ascii=False))


def _member(found: Any, name: str, path: str) -> Any:
    if isinstance(found, dict):
        return found.setdefault(name, {})
    if isinstance(found, list) and name.isdecimal() and int(name) < len(found):
        return found[int(name)]
    raise _no_place(path)


def _no_place(path: str) -> BodyMalformed:
    return BodyMalformed(
        f"“{path}” is no place in this body. Write names with dots between, and numbers in lists: "
        "line_items.0.sku.",
        errors=(FieldError("path", "is no place in the body"),),
    )


def _workflow_of(one: Delivery) -> str:
    return one.subscription.workflow_id if one.subscription else ""


def nothing_to_retry(case: ExceptionCase) -> NothingToRetry:
    return NothingToRetry(
        f"“{case.summary}” belongs to no event that can be sent again. Handle it by hand and "
        "resolve it."
    )
