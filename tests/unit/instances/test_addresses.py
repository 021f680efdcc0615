"""URLs that try to lead Pergola out of a tenant's own n8n."""

import pytest

from controlplane.instances.addresses import ForeignUrl, assert_own_url
from controlplane.instances.models import Workspace

BASE = "https://n8n.hafen.example"


def workspace(base: str = BASE, webhooks: str = "") -> Workspace:
    return Workspace(base_url=base, webhook_base_url=webhooks or base, prefix="hafen")


@pytest.mark.parametrize(
    "url",
    [
        f"{BASE}/webhook/hafen/orders",
        f"{BASE}/webhook-waiting/17?signature=ab%2Fc",
        f"{BASE}/webhook/with%20space",
    ],
)
def test_own_urls_come_back_unchanged(url: str) -> None:
    assert assert_own_url(workspace(), url) == url


@pytest.mark.parametrize(
    ("base", "url", "expected"),
    [
        (BASE, "HTTPS://N8N.hafen.EXAMPLE:443/webhook/a", f"{BASE}/webhook/a"),
        ("http://[::1]:5678", "http://[::1]:5678/webhook/a", "http://[::1]:5678/webhook/a"),
        ("https://x.example/n8n", "https://x.example/n8n/w/a", "https://x.example/n8n/w/a"),
    ],
)
def test_the_same_origin_written_otherwise_comes_back_as_ours(
    base: str, url: str, expected: str
) -> None:
    assert assert_own_url(workspace(base), url) == expected


def test_the_webhook_address_counts_as_own() -> None:
    own = workspace("http://10.0.0.5:5678", webhooks="https://hooks.hafen.example")

    url = "https://hooks.hafen.example/webhook-waiting/17"
    assert assert_own_url(own, url) == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/webhook/a",
        "//n8n.hafen.example/webhook/a",
        "http://n8n.hafen.example/webhook/a",
        "ftp://n8n.hafen.example/webhook/a",
        "https://n8n.hafen.example",
        "https://n8n.hafen.example:444/webhook/a",
        "https://n8n.hafen.example:/webhook/a",
        "https://n8n.hafen.example:0443x/webhook/a",
        "https://n8n.hafen.example.evil.example/webhook/a",
        "https://n8n.hafen.example./webhook/a",
        "https://evil.example/https://n8n.hafen.example/webhook/a",
        "https://n8n.hafen.example@evil.example/webhook/a",
        "https://user:password@n8n.hafen.example/webhook/a",
        "https://@n8n.hafen.example/webhook/a",
        "https://evil.example#@n8n.hafen.example/webhook/a",
        "https://evil.example\\@n8n.hafen.example/webhook/a",
        "https://n8n.hafen.example\\@evil.example/webhook/a",
        "https://n8n.hafen.example\\.evil.example/webhook/a",
        "https:/n8n.hafen.example/webhook/a",
        "https:///n8n.hafen.example/webhook/a",
        "https://n8n.hafen.example//evil.example/webhook/a",
        "https://n8n.hafen.example/webhook/../rest/owner/setup",
        "https://n8n.hafen.example/webhook/%2e%2e/rest",
        "https://n8n.hafen.example/webhook/%252e%252e/rest",
        "https://n8n.hafen.example/webhook%2f..%2frest",
        "https://n8n.hafen.example/webhook/%5c..%5crest",
        "https://n8n.hafen.example/webhook/a#fragment",
        "https://n8n.hafen.example/webhook/a\r\nHost: evil.example",
        "https://n8n.hafen.example/webhook/a\tb",
        " https://n8n.hafen.example/webhook/a",
        "https://n8n.hafen.example/webhook/a\n",
        "https://n8n.hafen.example\n/webhook/a",
        "https://n8n%2ehafen.example/webhook/a",
        "https://ｎ8n.hafen.example/webhook/a",
        "https://[::1]/webhook/a",
        "https://[::ffff:127.0.0.1]/webhook/a",
        "https://127.0.0.1/webhook/a",
        f"{BASE}/webhook/{'a' * 2000}",
    ],
)
def test_foreign_and_doubtful_urls_are_refused(url: str) -> None:
    with pytest.raises(ForeignUrl, match="calls only its tenants' own n8n"):
        assert_own_url(workspace(), url)


def test_a_path_beside_the_base_path_is_refused() -> None:
    with pytest.raises(ForeignUrl):
        assert_own_url(workspace("https://x.example/n8n"), "https://x.example/n8n-other/w/a")
