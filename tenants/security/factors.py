"""Who must have a second factor, and who has one. Asked at the doors, so it is kept in the session.

A factor cannot be taken away while it is required (`may_do_without`), and whoever has one is asked
for it at each log-in. So the answer "has one" stays true for the length of a session.
"""

from collections.abc import Callable, Iterable
from typing import Any

from allauth.account.internal.flows.login import get_authentication_records
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from controlplane.core.errors import DomainError
from tenants.models import Member
from tenants.security.kept import Kept

IN_SESSION = "has_factor"
# Where a person sets one up, on any host.
SET_UP = "/accounts/security/"

_asked = Kept[bool](seconds=5.0)


class FactorMissing(DomainError):
    code = "second_factor_missing"
    status = 403
    title = "A second factor is needed"


def require_where_asked(request: HttpRequest) -> None:
    """Raises FactorMissing for a member of a partner that asks for a factor, who has none."""
    if not _has_in_session(request) and _is_asked_by_partner(request.user):  # type: ignore[arg-type]
        _require(request)


def require_of_admin(request: HttpRequest) -> None:
    """Raises FactorMissing for an admin of the platform who needs a factor and has none."""
    if settings.ADMIN_REQUIRES_MFA:
        _require(request)


def is_asked(request: HttpRequest) -> bool:
    """Whether a second factor is asked of the user: by a partner, or on the platform's host."""
    if getattr(request, "tenant", None) is None:
        return bool(settings.ADMIN_REQUIRES_MFA)
    return _is_asked_by_partner(request.user)  # type: ignore[arg-type]


def may_do_without(user: AbstractBaseUser) -> bool:
    """Whether the user may take the last factor away."""
    is_admin = getattr(user, "is_superuser", False) and settings.ADMIN_REQUIRES_MFA
    return not is_admin and not Member.objects.asked_for_factor(user).exists()


def has_factor(user: AbstractBaseUser) -> bool:
    """A recovery code is none: it stands in for one that was lost."""
    return bool(users_with_factor([user.pk]))


def users_with_factor(user_ids: Iterable[Any]) -> set[int]:
    """Which of these users have one, by one query in the shared schema."""
    factors = Authenticator.objects.filter(user_id__in=list(user_ids))
    factors = factors.exclude(type=Authenticator.Type.RECOVERY_CODES)
    return set(factors.values_list("user_id", flat=True))


class AdminFactorMiddleware:
    """Keeps the platform's and the tenants' admin shut to an admin without a second factor."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        match = request.resolver_match
        if match is None or match.namespace != "admin" or match.url_name == "logout":
            return None
        if not request.user.is_authenticated:
            return None
        try:
            require_of_admin(request)
        except FactorMissing:
            return HttpResponseRedirect(SET_UP)
        return None


def _require(request: HttpRequest) -> None:
    if _has_in_session(request):
        return
    if not has_factor(request.user):  # type: ignore[arg-type]  # the doors let nobody else here
        raise FactorMissing(
            "A second factor is asked of you. Set one up under “Log-in and security”, then go on."
        )
    request.session[IN_SESSION] = True


def _has_in_session(request: HttpRequest) -> bool:
    if IN_SESSION in request.session:
        return True
    records = get_authentication_records(request, request.user)  # type: ignore[arg-type]
    # A partner's own provider asks for what that partner wants asked.
    return any(record["method"] == "socialaccount" for record in records)


def _is_asked_by_partner(user: AbstractBaseUser) -> bool:
    asked = Member.objects.asked_for_factor(user)
    return _asked.get(str(user.pk), asked.exists)
