from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from tenants import grants


class CatalogConfig(AppConfig):
    name = "controlplane.catalog"
    verbose_name = _("Catalog")

    def ready(self) -> None:
        from controlplane.catalog import (
            choices,
            connection_uses,
            contexts,
            copied,
            dropdowns,
            restoring,
            retention,
            services,
        )
        from controlplane.catalog.models import Installation, credential_ids
        from controlplane.catalog.parameters import parameters_of
        from controlplane.catalog.upgrades.drift import end_lost_upgrades
        from controlplane.connections.uses import register_use
        from controlplane.instances.removal import register_credentials
        from controlplane.policies.parameters import register_provider
        from tenants import health
        from tenants.backup.restore import register_after_restore
        from tenants.backup.shared import leave_out
        from tenants.environments.services import register_clearing

        _show_the_catalog()
        register_provider(parameters_of)
        status = Installation.Status
        by_status = Installation.objects.filter
        health.contribute("installations_active", lambda: by_status(status=status.ACTIVE).count())
        health.contribute("installations_failed", lambda: by_status(status=status.FAILED).count())
        choices.register_choices("connection", choices.connections)
        choices.register_choices("approver_group", choices.approver_groups)
        choices.register_choices("policy", choices.policies)
        contexts.register()
        copied.declare_all()
        register_clearing("installations", services.uninstall_all)
        register_after_restore("installations", restoring.deploy_again)
        register_after_restore("upgrades", end_lost_upgrades)
        retention.register()
        leave_out("catalog.CaseRun", "it is of a release, which is the platform's or a partner's")
        leave_out("catalog.RolloutPlace", "a rollout goes through the tenants of one installation")
        dropdowns.register()
        register_credentials(credential_ids)
        register_use(connection_uses.installations_with)


def _show_the_catalog() -> None:
    """A tenant reads the platform's templates and those of its own partners, and no others."""
    row = ["id", "created_at", "updated_at"]
    grants.let_tenants("SELECT", "catalog_template", [*row, "slug", "title", "summary", "owner_id"])
    grants.let_tenants(
        "SELECT",
        "catalog_release",
        [
            *row, "template_id", "version", "status", "steps", "manifest", "workflow",
            "workflow_hash", "readme", "notes", "author", "cases", "case_files", "findings",
            "released_at",
        ],
    )  # fmt: skip
    # The sub-select is carried out once for a query, and not for each row.
    grants.keep_to_visible_rows(
        "catalog_template",
        "owner_id IS NULL OR owner_id = ANY ((SELECT public.pergola_partners_here())::uuid[])",
    )
    # Through the template's own policy: what of it is not seen, has no releases either.
    grants.keep_to_visible_rows(
        "catalog_release",
        "EXISTS (SELECT FROM public.catalog_template t WHERE t.id = template_id)",
    )
