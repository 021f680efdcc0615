"""Shopify and WooCommerce."""

import base64
import json

from django.utils.translation import gettext_lazy as _

from controlplane.connections.kinds.authorities import AUTHORITY
from controlplane.connections.kinds.declaration import (
    ConnectionKind,
    Field,
    Incoming,
    Outgoing,
    Sender,
    Values,
    api_fault,
)


def basic(user: str, password: str) -> tuple[str, str]:
    coded = base64.b64encode(f"{user}:{password}".encode()).decode()
    return "Authorization", f"Basic {coded}"


def _shopify_url(values: Values) -> str:
    return f"https://{values['shop'].lower()}/admin/api/{values['api_version']}"


def _by_access_token(request: Outgoing, values: Values, sender: Sender) -> Outgoing:
    return request.with_headers(("X-Shopify-Access-Token", values["access_token"]))


def _shop_name(values: Values) -> Outgoing:
    # Every token may ask for the name; of the REST resources each needs a scope of its own.
    return Outgoing(
        "POST",
        f"{_shopify_url(values)}/graphql.json",
        headers=(("Content-Type", "application/json"),),
        content=json.dumps({"query": "{ shop { name } }"}).encode(),
    )


def _fault(values: Values, answer: Incoming) -> str:
    """GraphQL tells its errors in an answer of status 200."""
    if fault := api_fault(values, answer):
        return fault
    try:
        told = json.loads(answer.body)
    except ValueError:
        told = None
    named = isinstance(told, dict) and isinstance(told.get("data"), dict)
    return "" if named and told["data"].get("shop") else "it does not tell the shop’s name"


SHOPIFY = ConnectionKind(
    name="shopify",
    label="Shopify",
    description=_("A shop, by the Admin API: orders, products, refunds, and what else it offers"),
    fields=(
        Field(
            "shop",
            _("Shop"),
            _("Its own address at Shopify, such as northwind.myshopify.com"),
            pattern=r"[A-Za-z0-9][A-Za-z0-9-]*\.myshopify\.com",
            is_destination=True,
        ),
        Field(
            "access_token",
            _("Admin API access token"),
            _("Of a custom app: in Shopify under Settings, Apps, Develop apps, API credentials"),
            type="secret",
        ),
        Field(
            "api_version",
            _("API version"),
            _("Shopify names them by the quarter; each is answered for a year"),
            default="2026-10",
            pattern=r"20[0-9]{2}-(?:01|04|07|10)|unstable",
        ),
    ),
    base_url=_shopify_url,
    sign=_by_access_token,
    check=_shop_name,
    fault=_fault,
    methods=("GET", "POST", "PUT"),
)


def _woocommerce_url(values: Values) -> str:
    return f"{values['store_url']}/wp-json/wc/v3"


def _by_consumer_key(request: Outgoing, values: Values, sender: Sender) -> Outgoing:
    return request.with_headers(basic(values["consumer_key"], values["consumer_secret"]))


WOOCOMMERCE = ConnectionKind(
    name="woocommerce",
    label="WooCommerce",
    description=_("A shop on WordPress, by its REST API"),
    fields=(
        Field(
            "store_url",
            _("Address of the shop"),
            _("As WordPress knows it, such as https://shop.example.com"),
            type="url",
            is_destination=True,
        ),
        Field(
            "consumer_key",
            _("Consumer key"),
            _("In WooCommerce under Settings, Advanced, REST API"),
            type="secret",
        ),
        Field("consumer_secret", _("Consumer secret"), _("Shown there once"), type="secret"),
        AUTHORITY,
    ),
    base_url=_woocommerce_url,
    sign=_by_consumer_key,
    check=lambda values: Outgoing(
        "GET",
        f"{_woocommerce_url(values)}/products",
        query=(("per_page", "1"), ("_fields", "id")),
    ),
    methods=("GET", "POST", "PUT"),
)
