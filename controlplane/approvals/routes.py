"""Which terms an approval gets: the tenant's routes, the most particular first."""

import re
import uuid
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction

from controlplane.approvals.models import Approval, Group, Route
from controlplane.approvals.subjects import Subject
from controlplane.approvals.terms import DEFAULT, Terms, read_terms
from controlplane.audit.services import record
from controlplane.core.actor import Actor
from controlplane.core.errors import DomainError, FieldError

MOST_ROUTES = 200


class RouteUnknown(DomainError):
    code = "approval_route_unknown"
    status = 404
    title = "No such route"


class RouteInvalid(DomainError):
    code = "approval_route_invalid"
    status = 422
    title = "The route cannot be kept like this"


@dataclass(frozen=True)
class Chosen:
    """`route` names the tenant's route; it is empty for a subject's own terms and the default."""

    terms: Terms
    route: str = ""


def choose_terms(subject: Subject) -> Chosen:
    """The subject's own terms; else the fitting route that says most; else the default.

    A route says more the more conditions it has; of equals the higher lower bound of the amount
    counts, then a reason before an amount before a kind, then the name. Raises TermsInvalid.
    """
    if subject.terms is not None:
        return Chosen(subject.terms)
    fitting = [route for route in Route.objects.filter(is_active=True) if _fits(route, subject)]
    if not fitting:
        return Chosen(DEFAULT)
    route = min(fitting, key=_particular)
    return Chosen(route.rules, route.name)


def in_order() -> list[Route]:
    """All of the tenant's, as they are gone through."""
    return sorted(Route.objects.all(), key=_particular)


def get_route(route_id: uuid.UUID) -> Route:
    """Raises RouteUnknown."""
    try:
        return Route.objects.get(pk=route_id)
    except Route.DoesNotExist:
        raise RouteUnknown(f"This tenant has no route {route_id}.") from None


@transaction.atomic
def save_route(*, route: Route | None, by: Actor, **fields: Any) -> Route:
    """A new route, or all fields of one changed. Open approvals keep the terms that they have.

    `terms` is the JSON of `Terms`. Raises RouteInvalid, TermsInvalid.
    """
    kept = route or Route()
    before = None if route is None else told_of(route)
    for name, value in fields.items():
        setattr(kept, name, value)
    terms = read_terms(kept.terms)
    kept.terms = terms.as_json()
    _assert_valid(kept, terms)
    try:
        with transaction.atomic():
            kept.save()
    except IntegrityError:
        raise RouteInvalid(
            f"There is a route “{kept.name}” already. Give this one another name.",
            errors=(FieldError("name", "is taken"),),
        ) from None
    changed = {"before": before, "after": told_of(kept)}
    _record("approval_route.changed" if route else "approval_route.created", kept, changed, by)
    return kept


@transaction.atomic
def delete_route(*, route: Route, by: Actor) -> None:
    """Open approvals keep the terms that they have."""
    _record("approval_route.deleted", route, {"before": told_of(route)}, by)
    route.delete()


def told_of(route: Route) -> dict[str, Any]:
    """The route as the audit trail keeps it."""
    return {
        "name": route.name,
        "subject_type": route.subject_type,
        "reasons": route.reasons,
        "currency": route.currency,
        "amount_from": _text(route.amount_from),
        "amount_below": _text(route.amount_below),
        "terms": route.terms,
        "is_active": route.is_active,
    }


def _fits(route: Route, subject: Subject) -> bool:
    if route.subject_type and route.subject_type != subject.kind:
        return False
    if route.reasons and not {each.get("code") for each in subject.reasons} & set(route.reasons):
        return False
    if not route.currency:
        return True
    if subject.amount is None or subject.amount.currency != route.currency:
        return False
    amount = subject.amount.amount
    is_enough = route.amount_from is None or amount >= route.amount_from
    return is_enough and (route.amount_below is None or amount < route.amount_below)


def _particular(route: Route) -> tuple[Any, ...]:
    has = (bool(route.reasons), bool(route.currency), bool(route.subject_type))
    lower = route.amount_from if route.amount_from is not None else Decimal("-Infinity")
    return (-sum(has), -lower, *(not each for each in has), route.name)


def _assert_valid(route: Route, terms: Terms) -> None:
    problems = []
    if not route.name.strip():
        problems.append(FieldError("name", "give it a name"))
    if route.currency and not re.fullmatch("[A-Z]{3}", route.currency):
        problems.append(FieldError("currency", "three capital letters, such as EUR"))
    low, high = route.amount_from, route.amount_below
    if (low is not None or high is not None) and not route.currency:
        problems.append(FieldError("currency", "an amount needs its currency"))
    if low is not None and high is not None and low >= high:
        problems.append(FieldError("amount_below", "has to be more than the lower bound"))
    wanted = {slug for step in terms.steps for slug in step.groups}
    known = set(Group.objects.filter(slug__in=wanted).values_list("slug", flat=True))
    problems += [FieldError("terms", f"there is no group “{slug}”") for slug in wanted - known]
    if route._state.adding and Route.objects.count() >= MOST_ROUTES:
        problems.append(FieldError("name", f"{MOST_ROUTES} routes are the most; delete one first"))
    if problems:
        said = "; ".join(f"{each.field}: {each.message}" for each in problems)
        raise RouteInvalid(f"{said}.", errors=tuple(problems))


def _record(action: str, route: Route, data: dict[str, Any], by: Actor) -> None:
    record(action=action, subject_type="approval_route", subject_id=str(route.pk), data=data, by=by)


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else str(amount)


def uses_of(slug: str) -> list[str]:
    """What asks a group: names of routes, and titles of approvals that wait."""
    routes = [route.name for route in Route.objects.all() if _asks(route.rules, slug)]
    waiting = [each.title for each in Approval.objects.pending() if _asks(each.rules, slug)]
    return [*routes, *waiting]


def _asks(terms: Terms, slug: str) -> bool:
    return any(slug in step.groups for step in terms.steps)
