"""Who calls: the middleware found out already, so these only say it in DRF's words."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.permissions import BasePermission

from controlplane.core.actor import Actor, ActorKind, Execution
from controlplane.core.admin import actor_of as admin_actor_of
from tenants.keys import actor_of_key
from tenants.members import actor_of
from tenants.middleware import NotAuthenticated
from tenants.security import factors


@dataclass(frozen=True)
class Caller:
    """`request.user` of the API: an actor. Truth of the role stays with key and member."""

    actor: Actor
    is_authenticated: bool = True


def _execution(request: HttpRequest) -> Execution | None:
    workflow, execution, node = (
        # A node's name is percent-encoded: up to nine characters for one.
        request.headers.get(f"X-N8N-{name}", "")[:2000]
        for name in ("Workflow-Id", "Execution-Id", "Node")
    )
    if not (workflow and execution and node):
        return None
    item = request.headers.get("X-N8N-Item", "0:0")[:20]
    return Execution(workflow[:64], execution[:64], unquote(node), item)


class KeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer pgl_live_…`"""

    def authenticate(self, request: Any) -> tuple[Caller, Any] | None:
        key = request._request.api_key
        if key is None:
            return None
        actor = actor_of_key(key, execution=_execution(request._request))
        return Caller(actor), key

    def authenticate_header(self, request: Any) -> str:
        return "Bearer"


class MemberAuthentication(SessionAuthentication):
    """The portal's session, with CSRF; the member was loaded before the tenant was entered."""

    def authenticate(self, request: Any) -> tuple[Caller, Any] | None:
        member = request._request.member
        if member is None:
            return None
        self.enforce_csrf(request)
        return Caller(actor_of(member)), member


class AdminAuthentication(SessionAuthentication):
    """On the platform's host: the session of its admins, with CSRF.

    Raises NotAuthenticated and FactorMissing.
    """

    def authenticate(self, request: Any) -> tuple[Caller, Any] | None:
        user = request._request.user
        if not user.is_authenticated:
            raise NotAuthenticated("Log in to the admin first.")
        if not (user.is_active and user.is_superuser):
            return None
        self.enforce_csrf(request)
        factors.require_of_admin(request._request)
        return Caller(admin_actor_of(request._request)), user


class IsMachine(BasePermission):
    message = "This address is for machines: call it with an API key."

    def has_permission(self, request: Any, view: Any) -> bool:
        return isinstance(request.user, Caller) and request.user.actor.kind is ActorKind.MACHINE


class IsPlatformAdmin(BasePermission):
    """Beside `AdminAuthentication` alone, which knows nobody else."""

    message = "This address is for the platform's admins: log in to the admin."

    def has_permission(self, request: Any, view: Any) -> bool:
        return isinstance(request.user, Caller)


class IsMember(BasePermission):
    message = "This address is for people: log in to the portal."

    def has_permission(self, request: Any, view: Any) -> bool:
        return isinstance(request.user, Caller) and request.user.actor.kind is ActorKind.MEMBER
