"""A member of the tenant's own, whose role and access managers change."""

from django.contrib.auth.models import User

from tenants.context import current_tenant, outside
from tenants.models import Member
from tests.factories.world import Part


def part(url: str) -> Part:
    tenant = current_tenant()
    with outside():
        user = User.objects.create_user("nora", "nora@north-only.example", "correct horse")
        member = Member.objects.create(user=user, tenant=tenant, role=Member.Role.VIEWER)
    return Part(
        rows={"member_id": member.pk},
        bodies={
            "members/<uuid:member_id>/role/": {f"{member.pk}-role": Member.Role.APPROVER},
            "members/<uuid:member_id>/removal/": {"sure": "yes"},
        },
        secrets={"nora@north-only.example"},
    )
