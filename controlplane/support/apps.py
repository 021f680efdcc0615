from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SupportConfig(AppConfig):
    name = "controlplane.support"
    verbose_name = _("Support")

    def ready(self) -> None:
        from controlplane.approvals.subjects import register_subject
        from controlplane.events import kinds, outbox
        from controlplane.knowledge.answers.subjects import register_question_source
        from controlplane.policies.customers import contribute
        from controlplane.support import (
            contexts,
            copied,
            customers,
            retention,
            samples,
            sending,
            starter,
            subjects,
            telling,
            webhook,
        )
        from tenants.environments.services import register_sample
        from tenants.provisioning import register_seed

        contexts.register()
        contribute("tickets", customers.known_of)
        copied.declare_all()
        register_sample("tickets", samples.add_sample_tickets)
        kinds.register_kind(webhook.KIND)
        retention.register()
        register_question_source("ticket", subjects.question_of_ticket)
        register_subject(
            "ticket",
            subjects.describe_ticket,
            requested=subjects.note_waiting,
            ended=subjects.note_ended,
        )
        outbox.register("support.send_reply", sending.send_reply, given_up=sending.give_up)
        outbox.register(
            "support.tell_handed_over",
            telling.tell_now,
            untold="the ticket itself waits in the inbox, with its clock",
        )
        register_seed(
            "triage examples",
            starter.seed_examples,
            tables=("support_triageexample",),
            contents=starter.starter_contents,
        )
