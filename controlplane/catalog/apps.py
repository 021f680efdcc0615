from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from tenants import grants


class CatalogConfig(AppConfig):
    name = "controlplane.catalog"
    verbose_name = _("Catalog")

    def ready(self) -> None:
        from controlplane.catalog.parameters import parameters_of
        from controlplane.policies.parameters import register_provider

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
