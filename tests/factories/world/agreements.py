"""What was agreed with the tenant about its data."""

from datetime import date

from tenants.context import current_tenant, outside
from tenants.models import Agreement
from tests.factories.world import Part


def part(url: str) -> Part:
    tenant = current_tenant()
    with outside():
        Agreement.objects.create(
            tenant=tenant, data_owner="Bollard Freight Ltd", ai_assisted="suggest",
            processed_in="EU", valid_from=date(2026, 1, 1), agreed_by="Greta Bollard",
            document="DPA-bollard-7", recorded_by="test",
        )  # fmt: skip
    return Part(rows={}, secrets={"DPA-bollard-7"})
