"""The audit trail: entries, for members who may read it and for keys of the scope."""

from datetime import datetime
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from controlplane.api.openapi import BY_KEY, BY_SESSION, PROBLEM
from controlplane.api.operations import require_scope
from controlplane.audit.operations import AuditListInput, AuditListOutput, list_entries

READ = "audit:read"
_KINDS = {"after": int, "limit": int, "since": datetime, "until": datetime}


class Entries(APIView):
    @extend_schema(
        tags=["audit"],
        auth=BY_KEY + BY_SESSION,
        parameters=[
            OpenApiParameter(name, _KINDS.get(name, str), description=field.description or "")
            for name, field in AuditListInput.model_fields.items()
        ],
        responses={200: AuditListOutput, **PROBLEM},
        operation_id="audit_entries",
    )
    def get(self, request: Request) -> Response:
        """Entries of the audit trail, the oldest first. Needs `audit:read`."""
        require_scope(READ, request.user.actor)
        asked: dict[str, Any] = {
            name: value for name, value in request.query_params.items() if value != ""
        }
        found = list_entries(AuditListInput.model_validate(asked), by=request.user.actor)
        return Response(found.model_dump(mode="json"))
