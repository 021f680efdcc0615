"""What drf-spectacular cannot see: our two ways to log in, and the one shape of every error."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from pydantic import BaseModel, Field

from controlplane.core.problems import CONTENT_TYPE
from tenants.environments.marks import HEADER

BY_KEY: list[Any] = [{"apiKey": []}]
BY_SESSION: list[Any] = [{"portalSession": []}]
BY_ADMIN: list[Any] = [{"adminSession": []}]


class ProblemField(BaseModel):
    field: str = Field(description="Dotted path of the field, such as lines.0.quantity")
    message: str = Field(description="What is wrong with it")


class Problem(BaseModel):
    """RFC 9457; `core.problems` writes it."""

    type: str = Field(description="urn:pergola:problem:<code>")
    title: str = Field(description="The kind of problem, in a few words")
    status: int = Field(description="The HTTP status once more")
    detail: str = Field(description="What happened, to what, and what to do next")
    code: str = Field(description="Stable name of the problem, for programs")
    errors: list[ProblemField] = Field(
        default_factory=list, description="The fields at fault; left out where none is"
    )


PROBLEM: dict[Any, Any] = {("default", CONTENT_TYPE): Problem}
"""To be added to the `responses` of every address."""


def name_environment(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """drf-spectacular's hook: the header that the middleware puts on every answer of a tenant."""
    header = {"$ref": "#/components/headers/PergolaEnvironment"}
    result["components"]["headers"] = {
        "PergolaEnvironment": {
            "description": "Which environment answered. Sent along with a call, the name of the "
            "one that is meant: a key of the other is refused with key_of_other_environment.",
            "schema": {"type": "string", "enum": ["production", "sandbox"]},
        }
    }
    for path in result["paths"].values():
        for operation in path.values():
            for answer in operation["responses"].values():
                answer.setdefault("headers", {})[HEADER] = header
    return result


class KeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "controlplane.api.authentication.KeyAuthentication"
    name = "apiKey"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "An API key: `pgl_live_…`, in a sandbox `pgl_test_…`",
        }


class AdminScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "controlplane.api.authentication.AdminAuthentication"
    name = "adminSession"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {"type": "apiKey", "in": "cookie", "name": "pergola_session"}


class MemberScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "controlplane.api.authentication.MemberAuthentication"
    name = "portalSession"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {"type": "apiKey", "in": "cookie", "name": "pergola_session"}
