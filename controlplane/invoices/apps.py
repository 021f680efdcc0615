from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class InvoicesConfig(AppConfig):
    name = "controlplane.invoices"
    verbose_name = _("Invoices")

    def ready(self) -> None:
        from controlplane.approvals.subjects import register_subject
        from controlplane.events.kinds import register_kind
        from controlplane.invoices import (
            contexts,
            copied,
            default_policy,
            documents,
            retention,
            samples,
            subjects,
        )
        from controlplane.policies.services import SEEDED_TABLES
        from tenants.environments.services import register_sample
        from tenants.provisioning import register_seed

        contexts.register()
        retention.register()
        copied.declare_all()
        register_sample("invoices", samples.add_sample_invoices)
        register_subject("invoice", subjects.describe_invoice, lock=subjects.hold_invoice)
        register_seed(
            "invoice policy",
            default_policy.seed_invoice_policy,
            tables=SEEDED_TABLES,
            contents=lambda: default_policy.RULES,
        )
        register_kind(documents.KIND)
