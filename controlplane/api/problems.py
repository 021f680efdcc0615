"""Every error of the JSON door becomes an RFC 9457 problem here, once."""

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any

import pydantic
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import DataError
from django.http import Http404, HttpRequest, HttpResponseBase
from django.views.decorators.csrf import csrf_exempt
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from controlplane.core import problems
from controlplane.core.errors import DomainError, FieldError
from controlplane.events.incoming import BodyTooLarge


class InputInvalid(DomainError):
    code = "input_invalid"
    status = 422
    title = "The input is not valid"


class BodyUnreadable(DomainError):
    code = "body_malformed"
    status = 400
    title = "The body cannot be read"


class ScopeMissing(DomainError):
    code = "scope_missing"
    status = 403
    title = "The API key may not do this"


class OperationNotPermitted(DomainError):
    code = "operation_not_permitted"
    status = 403
    title = "The API key is not for this operation"


class NotFound(DomainError):
    code = "not_found"
    status = 404
    title = "There is nothing here"


class NotAllowed(DomainError):
    code = "not_allowed"
    status = 403
    title = "You may not do this"


class _Other(DomainError):
    """What DRF itself raises: method not allowed, unsupported media type, throttled."""

    def __init__(self, error: exceptions.APIException) -> None:
        super().__init__(str(error.detail))
        self.code = error.default_code
        self.status = error.status_code
        self.title = HTTPStatus(error.status_code).phrase


def from_pydantic(error: pydantic.ValidationError) -> InputInvalid:
    """Field by field, as a dotted path; the values given are not repeated."""
    errors = tuple(
        FieldError(".".join(map(str, found["loc"])) or "body", found["msg"])
        for found in error.errors(include_url=False, include_input=False, include_context=False)
    )
    named = ", ".join(f"{e.field}: {e.message}" for e in errors[:3])
    more = f" and {len(errors) - 3} more" if len(errors) > 3 else ""
    return InputInvalid(f"Correct these fields and send it again: {named}{more}.", errors=errors)


def as_domain_error(error: Exception) -> DomainError | None:
    """The domain error that an exception stands for; None for a fault of ours."""
    match error:
        case DomainError():
            return error
        case pydantic.ValidationError():
            return from_pydantic(error)
        case DataError() if "NUL" in str(error):
            # Bodies are looked through by their parser; this came in the address.
            return InputInvalid("The address holds U+0000, which no text here has; leave it out.")
        case RequestDataTooBig():
            return BodyTooLarge("The body is larger than this server takes. Send less at a time.")
        case exceptions.ParseError():
            return BodyUnreadable(f"The body cannot be read as JSON in UTF-8: {error.detail}")
        case Http404() | exceptions.NotFound():
            return NotFound("Nothing is at this address for this tenant. Check the ID.")
        case PermissionDenied() | exceptions.PermissionDenied() | exceptions.NotAuthenticated():
            return NotAllowed(str(error) or "Log in, or use a key that may do this.")
        case exceptions.APIException():
            return _Other(error)
    return None


def handle(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler."""
    known = as_domain_error(error)
    if known is None:
        return None
    set_rollback()
    response = Response(
        problems.from_error(known), status=known.status, headers=problems.headers_of(known)
    )
    response["Content-Type"] = problems.CONTENT_TYPE
    response.content_type = problems.CONTENT_TYPE
    return response


@csrf_exempt
def nothing_here(request: HttpRequest, rest: str) -> HttpResponseBase:
    """For an address that no other takes, such as one with an ID that is none."""
    return problems.respond(
        NotFound("No operation has this address. See /api/docs/ for those that there are.")
    )


def answered(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """For plain views: domain errors become problems."""

    @wraps(view)
    def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return view(request, *args, **kwargs)
        except DomainError as error:
            return problems.respond(error)

    return wrapper
