"""Which tables stand in the shared schema and which in each tenant's."""

from typing import Any

from django.conf import settings
from django.db import connections
from django_tenants.routers import TenantSyncRouter
from django_tenants.utils import get_public_schema_name


class PlacementRouter(TenantSyncRouter):
    """django-tenants places whole apps; ours also splits one, by `settings.TENANT_MODELS`.

    Unlike the parent it migrates through the owner's connection too: the application's login
    owns nothing. It always decides: the parent, which django-tenants wants listed, is not asked.
    """

    def allow_migrate(
        self, db: str, app_label: str, model_name: str | None = None, **hints: Any
    ) -> bool:
        connection: Any = connections[db]
        in_public = connection.schema_name == get_public_schema_name()
        split = settings.TENANT_MODELS.get(app_label)
        if split is not None:
            return model_name is None or (model_name in split) != in_public
        apps = settings.SHARED_APPS if in_public else settings.TENANT_APPS
        return bool(self.app_in_list(app_label, apps))
