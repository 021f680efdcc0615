from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from tenants import grants


class CatalogConfig(AppConfig):
    name = "controlplane.catalog"
    verbose_name = _("Catalog")

    def ready(self) -> None:
        from controlplane.catalog import connection_uses, copied, restoring, services
        from controlplane.catalog.models import Installation, credential_ids
        from controlplane.catalog.parameters import parameters_of
        from controlplane.connections.uses import register_use
        from controlplane.instances.removal import register_credentials
        from controlplane.policies.parameters import register_provider
        from tenants import health
        from tenants.backup.restore import register_after_restore
        from tenants.environments.services import register_clearing

        grants.let_tenants(
            "SELECT",
            "catalog_template",
            ["id", "created_at", "updated_at", "slug", "title", "summary"],
        )
        grants.let_tenants(
            "SELECT",
            "catalog_release",
            [
                "id",
                "created_at",
                "updated_at",
                "template_id",
                "version",
                "manifest",
                "workflow",
                "workflow_hash",
                "readme",
                "released_at",
            ],
        )
        register_provider(parameters_of)
        status = Installation.Status
        by_status = Installation.objects.filter
        health.contribute("installations_active", lambda: by_status(status=status.ACTIVE).count())
        health.contribute("installations_failed", lambda: by_status(status=status.FAILED).count())
        copied.declare_all()
        register_clearing("installations", services.uninstall_all)
        register_after_restore("installations", restoring.deploy_again)
        register_credentials(credential_ids)
        register_use(connection_uses.installations_with)
