"""A rollout of the tenant's partner, which has been here."""

from controlplane.catalog.models import Installation, Rollout, RolloutPlace, Template
from tenants.context import current_tenant, outside
from tests.factories.world import Part

ROOT, API = "rollouts/", "api/v1/rollouts"


def part(url: str) -> Part:
    tenant, installation = current_tenant(), Installation.objects.get()
    with outside():
        template = Template.objects.get(slug=installation.template_slug)
        release = template.releases.order_by("-released_at")[0]
        rollout = Rollout.objects.create(
            template=template, release=release, partner_id=tenant.engaged_partners[0],
            shares=[100], ring=1, status=Rollout.Status.WATCHING, note="Behind the mole",
            asked_by="Author",
        )  # fmt: skip
        RolloutPlace.objects.create(
            rollout=rollout, tenant=tenant, installation_id=installation.pk, ring=1,
            from_version="1.0.0", status=RolloutPlace.Status.DONE, error="Behind the mole",
        )  # fmt: skip
    return Part(
        rows={"rollout_id": rollout.pk},
        bodies={
            f"{ROOT}new/": {
                "release": str(release.pk), "shares": "100", "watch_minutes": "5",
                "least_runs": "0",
            },
            f"{ROOT}<uuid:rollout_id>/step/": {"step": "pause", "why": "A pause"},
            API: {"template": template.slug, "shares": [100]},
            f"{API}/<uuid:rollout_id>/steps": {"step": "pause", "why": "A pause"},
        },
        secrets={"Behind the mole"},
    )  # fmt: skip
