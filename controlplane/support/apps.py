from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SupportConfig(AppConfig):
    name = "controlplane.support"
    verbose_name = _("Support")

    def ready(self) -> None:
        from controlplane.approvals.subjects import register_subject
        from controlplane.events import kinds, outbox
        from controlplane.knowledge.answers.subjects import register_question_source
        from controlplane.support import sending, starter, subjects, telling, webhook
        from tenants.provisioning import register_step

        kinds.register_kind(webhook.KIND)
        register_question_source("ticket", subjects.question_of_ticket)
        register_subject(
            "ticket",
            subjects.describe_ticket,
            requested=subjects.note_waiting,
            ended=subjects.note_ended,
        )
        outbox.register("support.send_reply", sending.send_reply, given_up=sending.give_up)
        outbox.register("support.tell_handed_over", telling.tell_now)
        register_step("triage examples", starter.seed_examples)
