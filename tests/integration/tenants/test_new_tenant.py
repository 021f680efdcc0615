"""What every tenant has once it was provisioned."""

from django.conf import settings

from tenants.fingerprint import current_fingerprint
from tenants.models import Ownership, Tenant


def test_its_lead_owns_all_of_its_work(north: Tenant) -> None:
    owned = Ownership.objects.filter(tenant=north, engagement__partner=north.lead_partner)

    assert set(owned.values_list("area", flat=True)) == set(Ownership.Area)


def test_it_stands_where_this_code_wants_it(north: Tenant) -> None:
    assert north.schema_fingerprint == current_fingerprint()
    assert north.release == settings.RELEASE
