"""Which tables stand in the shared schema and which in each tenant's."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.conf import settings
from django.db import connections
from django_tenants.routers import TenantSyncRouter
from django_tenants.utils import get_public_schema_name

_through_owner = ContextVar("through_owner", default=False)


@contextmanager
def through_owner() -> Iterator[None]:
    """While migrating: queries of data migrations that name no connection go to the schema that
    is migrated, too, and not past it through the application's.
    """
    token = _through_owner.set(True)
    try:
        yield
    finally:
        _through_owner.reset(token)


class PlacementRouter(TenantSyncRouter):
    """django-tenants places whole apps; ours also splits one, by `settings.TENANT_MODELS`.

    Unlike the parent it migrates through the owner's connection too: the application's login
    owns nothing. It always decides: the parent, which django-tenants wants listed, is not asked.
    """

    def db_for_read(self, model: Any, **hints: Any) -> str | None:
        return "owner" if _through_owner.get() else None

    db_for_write = db_for_read

    def allow_migrate(
        self, db: str, app_label: str, model_name: str | None = None, **hints: Any
    ) -> bool:
        connection: Any = connections[db]
        in_public = connection.schema_name == get_public_schema_name()
        # RunPython and RunSQL of an app that stands in both: hints={"shared": True} or False.
        if hints.get("shared", in_public) != in_public:
            return False
        split = settings.TENANT_MODELS.get(app_label)
        if split is not None:
            return model_name is None or (model_name in split) != in_public
        apps = settings.SHARED_APPS if in_public else settings.TENANT_APPS
        return bool(self.app_in_list(app_label, apps))
