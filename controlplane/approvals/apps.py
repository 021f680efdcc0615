from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ApprovalsConfig(AppConfig):
    name = "controlplane.approvals"
    verbose_name = _("Approvals")

    def ready(self) -> None:
        from controlplane.approvals import dropdowns, resume, retention
        from controlplane.approvals.models import Approval
        from controlplane.events import outbox
        from controlplane.events.exceptions import again
        from tenants import health
        from tenants.environments import rules

        for model in ("Approval", "Vote", "Waiter", "Comment", "Attachment", "MailLink"):
            why = "about production's own, with addresses that let an execution go on"
            rules.declare(f"approvals.{model}", rules.Never(why, emptied=True))
        for model in ("Route", "Group", "GroupMember", "Delegation"):
            rules.declare(f"approvals.{model}", rules.Never("people are asked in production"))
        outbox.register("approvals.resume", resume.resume, given_up=resume.give_up)
        again.register_work(resume.CASE, again.Work(resume.resume_again, resume.set_aside))
        retention.register()
        dropdowns.register()
        health.contribute("approvals_waiting", lambda: Approval.objects.pending().count())
