"""What the node's drop-downs show: one address for every list that is offered."""

from typing import cast

from drf_spectacular.utils import OpenApiParameter, extend_schema
from pydantic import BaseModel, Field
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from controlplane.api.authentication import IsMachine
from controlplane.api.openapi import BY_KEY, PROBLEM
from controlplane.api.problems import InputInvalid, OperationNotPermitted, ScopeMissing
from controlplane.core.actor import Actor
from controlplane.core.errors import FieldError
from controlplane.nodes import choices
from controlplane.nodes.registry import all_operations
from tenants.models import ApiKey

MOST_PAGES = 10_000


class ChoiceOut(BaseModel):
    value: str = Field(description="What the field is given")
    name: str = Field(description="What people read")
    description: str = Field(description="What else they should know; may be empty")


class ChoicesOut(BaseModel):
    results: list[ChoiceOut] = Field(description="Fifty at a time, in the order to show them")
    next_page: int | None = Field(description="Send as page for more; null at the end")


class Choices(APIView):
    permission_classes = [IsMachine]

    @extend_schema(
        tags=["choices"],
        auth=BY_KEY,
        parameters=[
            OpenApiParameter(
                "name",
                str,
                OpenApiParameter.PATH,
                description="Which list",
                pattern=r"^[-a-zA-Z0-9_]+$",
            ),
            OpenApiParameter("search", str, description="Only lines that hold this text"),
            OpenApiParameter("page", int, description="From 1"),
        ],
        responses={200: ChoicesOut, **PROBLEM},
        operation_id="choices",
    )
    def get(self, request: Request, name: str) -> Response:
        """What a field may be given, out of the key's own workspace.

        Lists are connections, sources, policies and such; the key needs a scope of an operation
        that chooses from the list.
        """
        found = choices.list_named(name)
        _require_list(found, cast(Actor, request.user.actor), cast(ApiKey, request.auth))
        page = choices.page_of(
            found, search=_search_of(request), page=_page_of(request.query_params.get("page", "1"))
        )
        lines = [
            ChoiceOut(value=one.value, name=one.name, description=one.description)
            for one in page.choices
        ]
        answer = ChoicesOut(results=lines, next_page=page.next_page)
        return Response(answer.model_dump(mode="json"))


def _require_list(found: choices.ChoiceList, actor: Actor, key: ApiKey) -> None:
    """Raises ScopeMissing; OperationNotPermitted for a key of other operations only."""
    if not found.scopes.intersection(actor.scopes):
        raise ScopeMissing(
            f"To choose from “{found.name}”, the API key “{actor.label}” needs one of the scopes "
            f"{', '.join(sorted(found.scopes))}. Type the value instead, or issue a key with one."
        )
    if key.operations and not any(
        found.name in choices.lists_of(one) for one in all_operations() if one.key in key.operations
    ):
        raise OperationNotPermitted(
            f"The API key “{key.name}” is only for {', '.join(key.operations)}, and none of these "
            f"chooses from “{found.name}”."
        )


def _search_of(request: Request) -> str:
    search = request.query_params.get("search", "")
    if len(search) > choices.LONGEST_SEARCH:
        raise InputInvalid(
            f"Search for at most {choices.LONGEST_SEARCH} characters.",
            errors=(FieldError("search", "is too long"),),
        )
    return search


def _page_of(given: str) -> int:
    if given.isascii() and given.isdecimal() and len(given) < 6 and 0 < int(given) <= MOST_PAGES:
        return int(given)
    raise InputInvalid(
        f"The page is a number from 1 to {MOST_PAGES}.", errors=(FieldError("page", "is none"),)
    )
