from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class KnowledgeConfig(AppConfig):
    name = "controlplane.knowledge"
    verbose_name = _("Knowledge")

    def ready(self) -> None:
        from controlplane.knowledge import contexts, default_policy, index
        from controlplane.policies.services import SEEDED_TABLES
        from tenants.leaving import Kind, register_removal
        from tenants.provisioning import register_seed

        contexts.register()
        register_removal(Kind("search indexes", index.count_of, index.drop_of))
        register_seed(
            "answer policy",
            default_policy.seed_answer_policy,
            tables=SEEDED_TABLES,
            contents=lambda: default_policy.RULES,
        )
