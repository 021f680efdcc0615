"""The one view factory for node operations: parse, check the scope, once, present."""

import hashlib
import json
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any, cast

from django.urls import URLPattern, path
from django.views.decorators.csrf import csrf_exempt
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiRequest, extend_schema
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from controlplane.api.authentication import IsMachine
from controlplane.api.handing import FILENAME_HEADER, INPUT_HEADER, handed_over
from controlplane.api.openapi import BY_KEY, PROBLEM
from controlplane.api.parsers import RawParser
from controlplane.api.problems import (
    BodyUnreadable,
    NotAllowed,
    OperationNotPermitted,
    ScopeMissing,
)
from controlplane.core.actor import Actor, ActorKind
from controlplane.core.logs import bound
from controlplane.core.withholding import noting_payload
from controlplane.events import ledger, pauses
from controlplane.nodes.files import OperationFile
from controlplane.nodes.operation import Operation
from controlplane.nodes.registry import all_operations
from tenants.context import current_tenant
from tenants.doors import Door, enters
from tenants.members import knowing_people
from tenants.models import ApiKey
from tenants.payload_access import note_read

REPLAYED = "Idempotent-Replayed"


class OperationView(APIView):
    """One operation; `_view` makes a subclass with a `post` of its own for each."""

    permission_classes = [IsMachine]
    operation: Operation

    def carry_out(self, request: Request) -> Response:
        actor: Actor = request.user.actor
        require_scope(self.operation.scope, actor)
        require_operation(self.operation, cast(ApiKey, request.auth))
        if not self.operation.read_only:
            pauses.assert_running(actor.installation_id)
        execution = actor.execution
        people = self.operation.asks_people
        with (
            bound(
                operation=self.operation.key,
                execution_id=execution.execution_id if execution else None,
            ),
            knowing_people(current_tenant()) if people else nullcontext(),
        ):
            return self._answer(request, actor)

    def _answer(self, request: Request, actor: Actor) -> Response:
        if not self.operation.takes_file:
            return self._answer_to(request, actor, _plain_json(request))
        with handed_over(request) as (body, file):
            return self._answer_to(request, actor, body, file)

    def _answer_to(
        self,
        request: Request,
        actor: Actor,
        body: dict[str, Any],
        file: OperationFile | None = None,
    ) -> Response:
        data = self.operation.input_model.model_validate(body)

        def run() -> dict[str, Any]:
            return self.operation.run(data, by=actor, file=file).model_dump(mode="json")

        key = _key_of(request, actor)
        if not key or self.operation.only_reads(data):
            return Response(self._noted(run, actor))
        once = ledger.once_slowly if self.operation.slow else ledger.once
        answer, is_replay = once(
            key=key,
            operation=self.operation.key,
            request=_told(body, file),
            run=run,
        )
        return Response(answer, headers={REPLAYED: "true"} if is_replay else {})

    def _noted(self, run: Callable[[], dict[str, Any]], actor: Actor) -> dict[str, Any]:
        """What the ledger does not keep is told by the trail, where customer data was read: once
        for a key, an operation and an hour.
        """
        with noting_payload() as seen:
            answer = run()
        note_read("operation", self.operation.key, seen, by=actor)
        return answer


def _told(body: dict[str, Any], file: OperationFile | None) -> bytes:
    """What an idempotency key stands for: the input, and which document came with it."""
    text = json.dumps(body, sort_keys=True)
    return (f"{text} {file.name} {file.sha256}" if file else text).encode()


def require_scope(scope: str, actor: Actor) -> None:
    """A key has it or not; a member has it by role and ownership. Raises ScopeMissing, NotAllowed.

    Everybody's `Actor` says so alike: the table is in `tenants.permissions`.
    """
    if scope in actor.scopes:
        return
    if actor.kind is ActorKind.MEMBER:
        raise NotAllowed(
            f"This needs “{scope}”, which your role, or what your company owns here, does not "
            "open. Ask a manager of the workspace; its page “Partners” says who owns what."
        )
    raise ScopeMissing(
        f"The API key “{actor.label}” lacks the scope “{scope}”. Issue a key with it, or use "
        "the credential that came with the template."
    )


def require_to_list(scope: str, actor: Actor) -> None:
    """For lists: a member always sees the rows, and customer data in them by `payload`."""
    if actor.kind is not ActorKind.MEMBER:
        require_scope(scope, actor)


def require_operation(operation: Operation, key: ApiKey) -> None:
    """A key may be for some operations only, fewer than its scopes permit. Raises
    OperationNotPermitted."""
    if key.operations and operation.key not in key.operations:
        raise OperationNotPermitted(
            f"The API key “{key.name}” is only for {', '.join(key.operations)}, not for "
            f"{operation.key}. Issue a key with it, or one for every operation."
        )


def _plain_json(request: Request) -> dict[str, Any]:
    body = request.data
    if not isinstance(body, dict):
        raise BodyUnreadable("The body must be a JSON object with the operation's fields.")
    return body


def _key_of(request: Request, actor: Actor) -> str:
    """Kept apart by key: one machine's idempotency key says nothing to another's."""
    given = request.headers.get("Idempotency-Key", "").strip()
    if not given and actor.execution:
        given = actor.execution.idempotency_key
    if not given:
        return ""
    text = f"{actor.id}:{given}"
    if len(text) <= ledger.MAX_KEY and text.isprintable():
        return text
    return f"{actor.id}:sha256:{hashlib.sha256(given.encode()).hexdigest()}"


_FILE_HEADERS = (
    OpenApiParameter(
        INPUT_HEADER,
        str,
        OpenApiParameter.HEADER,
        description="With a body of bytes: the input as JSON, percent-encoded",
    ),
    OpenApiParameter(
        FILENAME_HEADER,
        str,
        OpenApiParameter.HEADER,
        description="With a body of bytes: what the file is called, percent-encoded",
    ),
)


def _body_of(operation: Operation) -> Any:
    """A document comes as it is, or in a form beside the input as JSON text."""
    if not operation.takes_file:
        return operation.input_model
    properties = {
        "input": {"type": "string", "description": "The operation's fields, as a JSON object"},
        "file": {"type": "string", "format": "binary"},
    }
    return {
        "multipart/form-data": {
            "type": "object", "properties": properties, "required": ["file"],
        },
        "application/octet-stream": OpenApiRequest(OpenApiTypes.BINARY),
    }  # fmt: skip


def _view(operation: Operation) -> Any:
    schema = extend_schema(
        operation_id=f"{operation.resource}_{operation.name}",
        summary=operation.action,
        description=f"{operation.description}\n\nNeeds the scope `{operation.scope}`.",
        tags=[operation.resource],
        request=_body_of(operation),
        auth=BY_KEY,
        responses={200: operation.output_model, **PROBLEM},
        parameters=[
            OpenApiParameter(
                "Idempotency-Key",
                str,
                OpenApiParameter.HEADER,
                description="The same key again gets the same answer and has no second effect.",
            ),
            *(_FILE_HEADERS if operation.takes_file else ()),
        ],
        extensions={
            "x-n8n": {
                "resource": operation.resource,
                "operation": operation.name,
                "title": operation.title,
                "waits": operation.waits,
                "readOnly": operation.read_only,
                "takesFile": operation.takes_file,
            }
        },
    )

    @schema
    def post(self: OperationView, request: Request) -> Response:
        return self.carry_out(request)

    name = f"{operation.key}.View".title().replace(".", "").replace("_", "")
    given: dict[str, Any] = {"operation": operation, "post": post}
    if operation.takes_file:
        given["parser_classes"] = [MultiPartParser, RawParser]
    view_class = type(name, (OperationView,), given)
    return enters(Door.KEY)(csrf_exempt(view_class.as_view()))


def operation_urls() -> list[URLPattern]:
    """Below `operations/`."""
    return [
        path(
            operation.path.removeprefix("operations/"),
            _view(operation),
            name=f"operation-{operation.key}",
        )
        for operation in all_operations()
    ]
