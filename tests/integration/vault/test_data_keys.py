"""Each schema's secrets are under keys of its own, and bound to the row that they stand in."""

from collections.abc import Iterator

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from controlplane.core.crypto import Undecryptable, decrypt, encrypt
from controlplane.events.models import Source
from controlplane.vault.models import DataKey
from controlplane.vault.rings import forget_rings, ring_of
from tenants.context import inside
from tenants.models import Tenant


@pytest.fixture
def bare(yard: Tenant) -> Iterator[Tenant]:
    """A tenant in which nothing was ever encrypted."""
    with inside(yard):
        DataKey.objects.all().delete()
    forget_rings()
    yield yard
    with inside(yard):
        DataKey.objects.all().delete()
    forget_rings()


def stored(source: Source) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT secret FROM events_source WHERE id = %s", [source.pk])
        return str(cursor.fetchone()[0])


def put(source: Source, token: str) -> Source:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE events_source SET secret = %s WHERE id = %s", [token, source.pk])
    return Source.objects.get(pk=source.pk)


def test_the_first_secret_makes_the_key(bare: Tenant) -> None:
    with inside(bare):
        assert not DataKey.objects.exists()
        source = Source.objects.create(slug="shop", name="Shop", secret="correct horse")

        assert Source.objects.get().secret == "correct horse"
        assert stored(source).startswith("pgl1.r.1.")
        assert DataKey.objects.get().wrapped_by


def test_a_rollback_does_not_take_the_key_away(bare: Tenant) -> None:
    with inside(bare):
        with transaction.atomic():
            Source.objects.create(slug="shop", name="Shop", secret="correct horse")
            transaction.set_rollback(True)
        source = Source.objects.create(slug="shop", name="Shop", secret="correct horse")
        forget_rings()

        assert Source.objects.get(pk=source.pk).secret == "correct horse"


def test_reading_a_list_decrypts_nothing_and_asks_for_no_key_again(tenant: Tenant) -> None:
    for number in range(5):
        Source.objects.create(slug=f"s{number}", name="Shop", secret=f"secret {number}")

    with CaptureQueriesContext(connection) as queries:
        found = list(Source.objects.filter(name="Shop"))
        assert {source.secret for source in found} == {f"secret {n}" for n in range(5)}

    assert len(queries) == 1


def test_a_token_that_is_copied_to_another_row_does_not_open(tenant: Tenant) -> None:
    one = Source.objects.create(slug="one", name="One", secret="correct horse")
    other = Source.objects.create(slug="other", name="Other", secret="battery staple")

    copied = put(other, stored(one))

    with pytest.raises(Undecryptable, match="another place"):
        _ = copied.secret
    # The row can still be listed, and mended.
    copied.secret = "battery staple"
    copied.save()
    assert Source.objects.get(pk=other.pk).secret == "battery staple"


def test_a_token_that_is_copied_to_another_tenant_does_not_open(
    north: Tenant, south: Tenant
) -> None:
    with inside(north):
        source = Source.objects.create(slug="shop", name="Shop", secret="correct horse")
        token, free = stored(source), encrypt("correct horse")
    with inside(south):
        # Even with the same key of the row.
        twin = Source.objects.create(pk=source.pk, slug="shop", name="Shop", secret="x")

        with pytest.raises(Undecryptable):
            _ = put(twin, token).secret
        with pytest.raises(Undecryptable):
            decrypt(free)


def test_another_tenants_data_key_does_not_open_either(north: Tenant, south: Tenant) -> None:
    with inside(north):
        encrypt("make sure that there is a key")
        theirs = DataKey.objects.filter(retired_at=None).latest("version")
    with inside(south):
        DataKey.objects.all().delete()
        forget_rings()
        DataKey.objects.create(version=1, wrapped=theirs.wrapped, wrapped_by=theirs.wrapped_by)

        with pytest.raises(Undecryptable, match="belongs to another schema"):
            encrypt("hush")
    forget_rings()


def test_a_row_keeps_the_keys_of_where_it_was_read(north: Tenant, south: Tenant) -> None:
    """The shared schema's rows are used while a tenant is entered, and the other way round."""
    with inside(north):
        Source.objects.create(slug="shop", name="Shop", secret="correct horse")
        source = Source.objects.get(slug="shop")
    with inside(south):
        assert source.secret == "correct horse"


def test_a_token_is_not_taken_for_a_text(tenant: Tenant) -> None:
    Source.objects.create(slug="shop", name="Shop", secret="correct horse")
    token = Source.objects.values_list("secret", flat=True).get()

    assert token.startswith("pgl1.")
    with pytest.raises(TypeError, match="was given a token"):
        Source.objects.update(secret=token)


def test_an_update_of_many_rows_is_bound_to_the_column(tenant: Tenant) -> None:
    source = Source.objects.create(slug="shop", name="Shop", secret="correct horse")
    Source.objects.update(secret="battery staple")

    assert stored(source).startswith("pgl1.c.")
    assert Source.objects.get().secret == "battery staple"


def test_a_tenant_made_anew_under_an_old_name_does_not_get_the_old_key(tenant: Tenant) -> None:
    first = ring_of(connection)
    again = Tenant(schema_name=tenant.schema_name, slug=tenant.slug)

    with inside(again):
        assert ring_of(connection) is not first
    assert ring_of(connection) is first


def test_keys_are_in_no_repr_and_no_pickle(tenant: Tenant) -> None:
    import pickle

    Source.objects.create(slug="shop", name="Shop", secret="correct horse")
    source = Source.objects.get()

    assert "AESGCM" not in repr(ring_of(connection))
    assert b"correct horse" not in pickle.dumps(source)
    assert isinstance(pickle.loads(pickle.dumps(source)).__dict__["secret"], str)
