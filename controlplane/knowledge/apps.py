from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class KnowledgeConfig(AppConfig):
    name = "controlplane.knowledge"
    verbose_name = _("Knowledge")

    def ready(self) -> None:
        from controlplane.knowledge import contexts, default_policy, retention
        from controlplane.knowledge.services.indexing import move_index
        from controlplane.policies.services import SEEDED_TABLES
        from tenants.provisioning import register_seed
        from tenants.residency import register_follow_up

        register_follow_up(move_index)
        contexts.register()
        retention.register()
        register_seed(
            "answer policy",
            default_policy.seed_answer_policy,
            tables=SEEDED_TABLES,
            contents=lambda: default_policy.RULES,
        )
