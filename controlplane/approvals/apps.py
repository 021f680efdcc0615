from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ApprovalsConfig(AppConfig):
    name = "controlplane.approvals"
    verbose_name = _("Approvals")

    def ready(self) -> None:
        from controlplane.approvals import resume
        from controlplane.events import outbox

        outbox.register("approvals.resume", resume.resume)
