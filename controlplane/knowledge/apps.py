from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class KnowledgeConfig(AppConfig):
    name = "controlplane.knowledge"
    verbose_name = _("Knowledge")

    def ready(self) -> None:
        from controlplane.knowledge import (
            contexts,
            default_policy,
            dropdowns,
            index,
            retention,
            samples,
        )
        from controlplane.knowledge.services.indexing import index_restored, move_index
        from controlplane.policies.services import SEEDED_TABLES
        from tenants.backup.restore import register_after_restore
        from tenants.environments import rules
        from tenants.environments.services import register_sample
        from tenants.leaving import Kind, register_removal
        from tenants.provisioning import register_seed
        from tenants.residency import register_follow_up

        register_follow_up(move_index)
        contexts.register()
        retention.register()
        dropdowns.register()
        register_removal(Kind("search indexes", index.count_of, index.drop_of))
        register_seed(
            "answer policy",
            default_policy.seed_answer_policy,
            tables=SEEDED_TABLES,
            contents=lambda: default_policy.RULES,
        )
        for model in ("Collection", "Document", "DocumentVersion"):
            rules.declare(f"knowledge.{model}", rules.Never("documents are uploaded anew"))
        for model in ("Chunk", "IndexedChunk", "Posting"):
            rules.declare(f"knowledge.{model}", rules.Never("made of the documents"))
        rules.declare("knowledge.Answer", rules.Never("to customers' questions"))
        register_sample("documents", samples.add_sample_documents)
        register_after_restore("knowledge index", index_restored)
