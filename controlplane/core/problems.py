"""Errors as RFC 9457 problem bodies: one shape for every JSON door."""

from typing import Any

from django.http import JsonResponse

from controlplane.core.errors import DomainError, FieldError

CONTENT_TYPE = "application/problem+json"


def body(
    *, code: str, status: int, title: str, detail: str, errors: tuple[FieldError, ...] = ()
) -> dict[str, Any]:
    """The problem as a dict; `type` is a URN, since the code is the identity and no page is."""
    problem: dict[str, Any] = {
        "type": f"urn:pergola:problem:{code}",
        "title": str(title),
        "status": status,
        "detail": str(detail),
        "code": code,
    }
    if errors:
        problem["errors"] = [{"field": e.field, "message": str(e.message)} for e in errors]
    return problem


def from_error(error: DomainError) -> dict[str, Any]:
    return body(
        code=error.code,
        status=error.status,
        title=error.title,
        detail=error.detail,
        errors=error.errors,
    )


def headers_of(error: DomainError) -> dict[str, str]:
    return {"Retry-After": str(error.retry_after)} if error.retry_after else {}


def respond(error: DomainError) -> JsonResponse:
    return JsonResponse(
        from_error(error),
        status=error.status,
        content_type=CONTENT_TYPE,
        headers=headers_of(error),
    )
