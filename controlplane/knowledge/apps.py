from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class KnowledgeConfig(AppConfig):
    name = "controlplane.knowledge"
    verbose_name = _("Knowledge")

    def ready(self) -> None:
        from controlplane.knowledge import contexts, default_policy
        from tenants.provisioning import register_step

        contexts.register()
        register_step("answer policy", default_policy.seed_answer_policy)
