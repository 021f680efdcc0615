"""A source that was removed has no secret, whatever somebody else was doing to it then."""

from datetime import timedelta

import pytest

from controlplane.events import services, sources
from controlplane.events.models import Source
from tenants.models import Tenant
from tests.factories.events import ADA


def test_a_copy_from_before_it_was_removed_puts_no_secret_back(tenant: Tenant) -> None:
    copy, _secret = services.create_source(slug="shop", name="Shop", kind="shopify", by=ADA)
    services.send_test_event(source=copy)  # what came in keeps the row
    sources.remove_source(source=Source.objects.get(pk=copy.pk), by=ADA)

    with pytest.raises(sources.SourceRemoved):
        services.replace_secret(source=copy, by=ADA, overlap=timedelta(days=1))
    with pytest.raises(sources.SourceRemoved):
        services.change_source(source=copy, options={}, is_ordered=True, by=ADA)

    left = Source.objects.get(pk=copy.pk)
    assert (left.secret, left.previous_secret, left.previous_secret_until) == ("", "", None)
    assert not left.is_ordered
