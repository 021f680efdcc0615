"""Names from hostile input: what is refused, and that nothing else gets through."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.models import Tenant
from tenants.provisioning.names import (
    DomainRefused,
    SlugRefused,
    check_domain,
    check_slug,
    schema_named,
)
from tests.factories.hostile_names import HOSTILE_SLUGS


@pytest.mark.parametrize("slug", HOSTILE_SLUGS)
def test_a_slug_that_could_be_something_else_is_refused(slug: str) -> None:
    with pytest.raises(SlugRefused) as refused:
        check_slug(slug)

    assert [fault.field for fault in refused.value.errors] == ["slug"]
    assert refused.value.code == "tenant_slug_refused"
    assert "Choose one such as" in refused.value.detail


@pytest.mark.parametrize(
    "slug", ["a", "nordwind", "north-wind-2", "a1", "a" * 32, "wwwx", "a-b--c"]
)
def test_a_plain_slug_is_taken(slug: str) -> None:
    check_slug(slug)


@given(st.text(max_size=80))
def test_a_slug_is_a_host_label_and_a_schema_or_refused(slug: str) -> None:
    try:
        check_slug(slug)
    except SlugRefused:
        return
    assert re.fullmatch(r"[a-z][a-z0-9-]{0,31}", slug)
    assert re.fullmatch(r"t_[a-z][a-z0-9_]{0,31}", schema_named(slug))


@given(st.from_regex(r"[a-z][a-z0-9-]{0,31}", fullmatch=True), st.data())
def test_no_two_slugs_have_one_schema(slug: str, data: st.DataObject) -> None:
    other = data.draw(st.from_regex(r"[a-z][a-z0-9-]{0,31}", fullmatch=True))

    assert (schema_named(slug) == schema_named(other)) == (slug == other)


def test_a_sandbox_is_called_like_its_production() -> None:
    production = Tenant(slug="nordwind")
    check_slug("nordwind-sandbox", sandbox_of=production)

    for slug in ("nordwind", "other-sandbox", "nordwind-sandbox-sandbox"):
        with pytest.raises(SlugRefused):
            check_slug(slug, sandbox_of=production)


@pytest.mark.parametrize(
    "domain",
    [
        "", ".", "example", "-a.example", "a-.example", "a..example", ".example.com",
        "example.com.", "a b.example", "a_b.example", "a\n.example", "example.com\n", "a/b.example",
        "http://example.com", "example.com:80", "user@example.com", "*.example.com",
        "127.0.0.1", "10.0.0.8", "[::1]", "999", "exаmple.com",  # a Cyrillic a
        "xn--e1awd7f.example", "shop.xn--p1ai", "müller.example", "ｅxample.com", "example。com",
        "localhost", "north.localhost", "evil.north.localhost", "printer.local", "db.internal",
        "a" * 64 + ".example", ".".join(["a" * 60] * 5), "'; drop schema public; --.example",
    ],
)  # fmt: skip
def test_a_domain_that_is_none_or_not_the_tenants_is_refused(domain: str) -> None:
    with pytest.raises(DomainRefused) as refused:
        check_domain(domain)

    assert [fault.field for fault in refused.value.errors] == ["domain"]


def test_a_domain_is_taken_in_lower_case() -> None:
    assert check_domain("Orders.Example.COM") == "orders.example.com"


@given(st.text(max_size=300))
def test_a_domain_is_a_host_name_or_refused(domain: str) -> None:
    try:
        host = check_domain(domain)
    except DomainRefused:
        return
    assert len(host) <= 253
    assert re.fullmatch(r"[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})+", host)
    assert "--" not in {label[2:4] for label in host.split(".")}
