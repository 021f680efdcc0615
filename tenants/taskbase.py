"""The base of every Celery task: it enters the tenant that the message names."""

from typing import Any

from celery import Task

from controlplane.core.jobs import TENANT_HEADER


class TenantTask(Task):  # type: ignore[misc]
    """Runs inside the tenant of the message's header, or in the shared schema without one."""

    abstract = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        # Celery asks for this class before Django's models are ready.
        from tenants.context import inside
        from tenants.lookup import tenant_by_schema

        headers = self.request.headers or {}
        schema = headers.get(TENANT_HEADER) or getattr(self.request, TENANT_HEADER, None)
        if schema in (None, "public"):
            return super().__call__(*args, **kwargs)
        with inside(tenant_by_schema(schema)):
            return super().__call__(*args, **kwargs)
