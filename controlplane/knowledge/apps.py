from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class KnowledgeConfig(AppConfig):
    name = "controlplane.knowledge"
    verbose_name = _("Knowledge")

    def ready(self) -> None:
        from controlplane.knowledge import contexts, default_policy, samples
        from controlplane.knowledge.services.indexing import index_restored
        from tenants.backup.restore import register_after_restore
        from tenants.environments import rules
        from tenants.environments.services import register_sample
        from tenants.provisioning import register_step

        contexts.register()
        for model in ("Collection", "Document", "DocumentVersion"):
            rules.declare(f"knowledge.{model}", rules.Never("documents are uploaded anew"))
        for model in ("Chunk", "IndexedChunk", "Posting"):
            rules.declare(f"knowledge.{model}", rules.Never("made of the documents"))
        rules.declare("knowledge.Answer", rules.Never("to customers' questions"))
        register_sample("documents", samples.add_sample_documents)
        register_step("answer policy", default_policy.seed_answer_policy)
        register_after_restore("knowledge index", index_restored)
