"""All rollouts, for the platform's admins, on its own host: to everybody, or for a partner."""

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_view

from controlplane.api import rollouts
from controlplane.api.authentication import AdminAuthentication, IsPlatformAdmin
from controlplane.api.openapi import BY_ADMIN
from controlplane.api.rollouts import WhoseCustomers
from controlplane.catalog.models import Rollout
from controlplane.core.errors import FieldError
from tenants.models import Partner
from tenants.permissions import PartnerPermission


def _named(**methods: str) -> Any:
    """The same addresses, by other names and another log-in."""
    return extend_schema_view(
        **{
            method: extend_schema(operation_id=name, auth=BY_ADMIN)
            for method, name in methods.items()
        }
    )


class _OfThePlatform:
    authentication_classes: Any = [AdminAuthentication]
    permission_classes: Any = [IsPlatformAdmin]

    def owners(self, permission: PartnerPermission) -> list[Partner] | None:
        return None

    def partner(self, slug: str) -> Partner | None:
        if not slug:
            return None
        found = Partner.objects.filter(slug=slug).first()
        if found is None:
            raise WhoseCustomers(
                f"There is no partner “{slug}”.", errors=(FieldError("partner", "names nobody"),)
            )
        return found

    def require_step(self, rollout: Rollout) -> None:
        """An admin may take each."""


@_named(get="platform_rollouts_list", post="platform_rollouts_create")
class Rollouts(_OfThePlatform, rollouts.Rollouts):
    """Everybody's rollouts, newest first."""


@_named(get="platform_rollouts_retrieve")
class RolloutDetail(_OfThePlatform, rollouts.RolloutDetail):
    pass


@_named(get="platform_rollouts_places_list")
class Places(_OfThePlatform, rollouts.Places):
    """What became of each installation, by ring."""


@_named(post="platform_rollouts_steps_create")
class Steps(_OfThePlatform, rollouts.Steps):
    pass
