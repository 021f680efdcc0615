from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class InvoicesConfig(AppConfig):
    name = "controlplane.invoices"
    verbose_name = _("Invoices")

    def ready(self) -> None:
        from controlplane.approvals.subjects import register_subject
        from controlplane.events.kinds import register_kind
        from controlplane.invoices import contexts, default_policy, documents, subjects
        from tenants.provisioning import register_step

        contexts.register()
        register_subject("invoice", subjects.describe_invoice, lock=subjects.hold_invoice)
        register_step("invoice policy", default_policy.seed_invoice_policy)
        register_kind(documents.KIND)
