"""Every cache × every operation on it; raw Redis; counters; what a process keeps in memory."""

import uuid
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import caches
from django.test import RequestFactory

from controlplane.portal.throttle import Throttle
from tenants import lookup
from tenants.context import inside
from tenants.limits import rates
from tenants.limits.plans import Resource
from tenants.limits.refusal import LimitReached
from tests.integration.isolation import sources
from tests.integration.isolation.callers import Callers
from tests.integration.isolation.cells import Cells

# Who speaks to Redis past the cache, whose keys carry the tenant, and why that is safe.
RAW_REDIS = {
    "controlplane/api/health.py": "asks whether Redis answers, and keeps nothing there",
    "controlplane/api/metrics.py": "names errors of Redis",
    "controlplane/core/measures.py": "counts by the tenant's id, for the operator's scraper alone",
    "controlplane/settings.py": "names errors of Redis",
    "tenants/leaving/own.py": "removes the keys of the one tenant that leaves, by their prefix",
    "tenants/limits/rates.py": "counts by the schema: the test below",
}
# What a process remembers from one request to the next, and why no tenant meets another's there.
REMEMBERED = {
    "controlplane/approvals/subjects.py:_locks": "registered at start",
    "controlplane/approvals/subjects.py:_subjects": "registered at start",
    "controlplane/audit/signing.py:_key": "the installation's key",
    "controlplane/catalog/choices.py:_providers": "registered at start",
    "controlplane/connections/uses.py:_finders": "registered at start",
    "controlplane/core/crypto.py:_fernet": "the deployment's keys",
    "controlplane/core/crypto.py:_sources": "registered at start",
    "controlplane/core/guarded_http.py:trusting": "by the very certificates that are trusted",
    "controlplane/core/measures.py:_families": "declared at import",
    "controlplane/core/http.py:authorities": "whose certificates everybody believes",
    "controlplane/core/redaction.py:_always": "what is left out of every line, whoever writes it",
    "controlplane/core/redaction.py:_remembered": "what every line leaves out",
    "controlplane/core/withholding.py:_placeholders": "by model",
    "controlplane/events/exceptions/again.py:_works": "registered at start",
    "controlplane/events/outbox.py:_handlers": "registered at start",
    "controlplane/events/outbox.py:_told_given_up": "registered at start",
    "controlplane/instances/removal.py:_made": "registered at start",
    "controlplane/invoices/matching/engine.py:places": "within one matching",
    "controlplane/invoices/normal.py:_hints": "the types of a class",
    "controlplane/invoices/rules/sets.py:_version": "a file of the product's",
    "controlplane/knowledge/answers/language.py:_identifier": "a model of the product's",
    "controlplane/knowledge/answers/subjects.py:_sources": "registered at start",
    "controlplane/knowledge/index/__init__.py:_index": "an index is told the tenant by each call",
    "controlplane/knowledge/index/weaviate_client.py:_clients": "connections, the tenant is told",
    "controlplane/knowledge/llm.py:_models": "the deployment's language model",
    "controlplane/nodes/registry.py:_discover": "the product's operations",
    "controlplane/nodes/registry.py:_operations": "the product's operations",
    "controlplane/orders/shopify.py:_codes_by_country": "names of countries",
    "controlplane/policies/contexts.py:_contexts": "registered at start",
    "controlplane/policies/customers.py:_contributions": "registered at start",
    "controlplane/policies/reads.py:needed": "names of fields, by the texts of rules",
    "controlplane/policies/layers.py:_published": "by partner: a tenant is given its own partners'",
    "controlplane/policies/engine.py:compiled": "a program, by the text of its rule",
    "controlplane/nodes/choices.py:_lists": "registered at start",
    "controlplane/portal/forms/parameters.py:currencies": "names of currencies",
    "controlplane/support/model_in_use.py:_loaded": "by schema and file: the test below",
    "controlplane/support/starter.py:_ready": "the starter model, made of the product's examples",
    "controlplane/support/starter.py:starter_examples": "the product's examples",
    "controlplane/support/triage/language.py:_identifier": "a model of the product's",
    "controlplane/support/triage/storage.py:TRUSTED": "names of classes",
    "tenants/lookup.py:_attached": "registered at start",
    "controlplane/vault/rings.py:_kept": "by schema and tenant: test_data_keys",
    "controlplane/vault/wrapping.py:_derived": "the deployment's keys",
    "controlplane/vault/tokens.py:_tables": "registered at start",
    "tenants/admin/inlines.py:_inlines": "registered at start",
    "tenants/backup/export.py:_collectors": "registered at start",
    "tenants/backup/restore.py:_after": "registered at start",
    "tenants/backup/shared.py:_kept": "registered at start",
    "tenants/backup/shared.py:_left_out": "registered at start",
    "tenants/database/base.py:_setting": "a statement, by schema and role",
    "tenants/environments/services.py:_clearers": "registered at start",
    "tenants/fingerprint.py:current_fingerprint": "the product's migrations",
    "tenants/fingerprint.py:known_migrations": "the product's migrations",
    "tenants/fleet_page.py:_columns": "registered at start",
    "tenants/grants.py:_owned": "registered at start",
    "tenants/grants.py:_shared": "registered at start",
    "tenants/grants.py:_visible": "registered at start",
    "tenants/health.py:_figures": "registered at start",
    "tenants/keys.py:_further_scopes": "registered at start",
    "tenants/leaving/export.py:_secrets": "the product's own columns",
    "tenants/leaving/kinds.py:_registered": "registered at start",
    "tenants/limits/admission.py:_refused": "by what the request names its tenant by, for a second",
    "tenants/limits/admission.py:_seen": "by schema: a time",
    "tenants/limits/rates.py:_limiter": "how is counted, by resource",
    "tenants/limits/rates.py:_storage": "the connection to Redis",
    "tenants/lookup.py:_keys": "the row that the same prefix names; the secret is asked each time",
    "tenants/lookup.py:_question": "the question, no answer",
    "tenants/lookup.py:_tenants": "what was asked for by that name: the test below",
    "tenants/provisioning/blueprint.py:current_blueprint_fingerprint": "the product's tables",
    "tenants/provisioning/steps.py:_seeds": "registered at start",
    "tenants/provisioning/steps.py:_sandbox_steps": "registered at start",
    "tenants/provisioning/steps.py:_steps": "registered at start",
    "tenants/residency.py:_checks": "registered at start",
    "tenants/residency.py:_follow_ups": "registered at start",
    "tenants/retention/classes.py:_classes": "registered at start",
    "tenants/retention/classes.py:_holds": "registered at start",
    "tenants/security/networks.py:_remembered": "by person or key, whichever tenant they are in",
    "tenants/measures.py:_asked": "registered at start",
}

READS: dict[str, Callable[[Any, str], Any]] = {
    "get": lambda cache, key: cache.get(key),
    "get_many": lambda cache, key: cache.get_many([key]).get(key),
    "has_key": lambda cache, key: cache.has_key(key) or None,
    "in another version": lambda cache, key: cache.get(key, version=2),
}
WRITES: dict[str, Callable[[Any, str], Any]] = {
    "set": lambda cache, key: cache.set(key, "foreign", 30),
    "set_many": lambda cache, key: cache.set_many({key: "foreign"}, 30),
    "add": lambda cache, key: cache.add(key, "foreign", 30),
    "touch": lambda cache, key: cache.touch(key, 0),
    "delete": lambda cache, key: cache.delete(key),
    "delete_many": lambda cache, key: cache.delete_many([key]),
}


@pytest.mark.parametrize("alias", settings.CACHES)
def test_a_cached_value_is_the_tenants_own(alias: str, callers: Callers) -> None:
    cells, cache, key = Cells("cache"), caches[alias], f"answer-{uuid.uuid4()}"
    with inside(callers.tenant):
        cache.set(key, "own", 30)
        assert cache.get(key) == "own"
    for other in (callers.neighbour, callers.sandbox):
        with inside(other):
            for name, read in READS.items():
                wrong = [] if read(cache, key) is None else ["it is found"]
                cells.refused(f"{alias}.{name} in {other.slug}", *wrong)
        for name, write in WRITES.items():
            with inside(other):
                write(cache, key)
            with inside(callers.tenant):
                wrong = [] if cache.get(key) == "own" else ["it was changed"]
            cells.refused(f"{alias}.{name} in {other.slug}", *wrong)
    cells.refused(f"{alias}.get outside", *([] if cache.get(key) is None else ["it is found"]))
    cells.assert_no_leak()


@pytest.mark.parametrize("alias", settings.CACHES)
def test_a_counter_counts_its_own_tenant(alias: str, callers: Callers) -> None:
    cells, cache, key = Cells("limits"), caches[alias], f"count-{uuid.uuid4()}"
    for tenant in (callers.tenant, callers.neighbour, callers.sandbox):
        with inside(tenant):
            cache.add(key, 0, 30)
            wrong = [] if cache.incr(key) == 1 else ["another's call was counted"]
        cells.refused(f"{alias}.incr in {tenant.slug}", *wrong)
    cells.assert_no_leak()


def throttles() -> list[tuple[str, Throttle]]:
    import sys

    return [
        (f"{module.__name__}.{name}", value)
        for module in list(sys.modules.values())
        if getattr(module, "__name__", "").startswith(("controlplane.", "tenants."))
        for name, value in vars(module).items()
        if isinstance(value, Throttle)
    ]


def test_a_noisy_tenant_uses_up_nobody_elses_turns(callers: Callers) -> None:
    from django.urls import get_resolver

    assert get_resolver("controlplane.tenant_urls").url_patterns  # loads every view
    cells, request = Cells("limits"), RequestFactory().get("/", REMOTE_ADDR="192.0.2.7")
    assert throttles()
    for name, throttle in throttles():
        with inside(callers.neighbour):
            caches["default"].clear()
            refused = [throttle.refused_until(request) for _turn in range(throttle.times + 1)]
            assert refused[-1], f"{name} refuses nobody, which proves nothing"
        with inside(callers.tenant):
            wrong = ["a turn was used up"] if throttle.refused_until(request) else []
        cells.refused(f"{name}, used up in {callers.neighbour.slug}", *wrong)
    cells.assert_no_leak()


def test_a_noisy_tenant_uses_up_its_own_rates_only(
    callers: Callers, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells, allowed = Cells("limits"), dict.fromkeys(Resource, 2)
    for tenant in (callers.neighbour, callers.tenant):
        monkeypatch.setattr(tenant, "schema_name", f"{tenant.schema_name}_{uuid.uuid4().hex[:8]}")
        monkeypatch.setitem(tenant.__dict__, "allowances", allowed)
    own = partial(rates.count_request, is_open=False)
    strangers = partial(rates.count_request, is_open=True)
    for name, count in (("requests", own), ("strangers", strangers), ("events", rates.count_event)):
        count(callers.neighbour)
        count(callers.neighbour)
        with pytest.raises(LimitReached):
            count(callers.neighbour)
        wrong = []
        try:
            count(callers.tenant)
        except LimitReached:
            wrong.append("a turn was used up")
        cells.refused(f"{name}, used up in {callers.neighbour.slug}", *wrong)
    cells.assert_no_leak()


def test_a_loaded_model_is_found_by_its_own_tenant_only(
    callers: Callers, monkeypatch: pytest.MonkeyPatch
) -> None:
    from controlplane.support import model_in_use

    read: list[str] = []
    monkeypatch.setattr(model_in_use, "_loaded", type(model_in_use._loaded)())
    monkeypatch.setattr(model_in_use, "_read", lambda digest: read.append(digest) or object())
    cells = Cells("cache")
    with inside(callers.tenant):
        own = model_in_use._own("0" * 64)
    with inside(callers.neighbour):
        wrong = ["it is the neighbour's"] if model_in_use._own("0" * 64) is own else []
    cells.refused("the loaded triage model", *wrong)
    cells.assert_no_leak()


@pytest.mark.parametrize(
    ("find", "names"),
    [
        (lookup.tenant_by_slug, ("north", "south")),
        (lookup.tenant_by_schema, ("t_north", "t_south")),
        (lookup.tenant_by_host, ("north.localhost", "south.localhost")),
    ],
)
def test_a_remembered_tenant_is_the_one_that_was_asked_for(
    find: Callable[[str], Any], names: tuple[str, str], callers: Callers
) -> None:
    cells = Cells("cache")
    for name in (*names, *names):
        wrong = [] if find(name).slug == name.removeprefix("t_").partition(".")[0] else ["another"]
        cells.refused(f"{find.__name__}({name})", *wrong)
    cells.assert_no_leak()


def test_every_place_that_speaks_to_redis_itself_is_known() -> None:
    found = {
        path
        for path, names in sources.imports().items()
        for name in names
        if name.partition(".")[0] in {"redis", "limits", "kombu"}
        and not name.startswith("redis.exceptions")
    }

    assert found - set(RAW_REDIS) == set(), (
        "use django.core.cache, whose keys carry the tenant; or put the schema into the key, show "
        "here that another tenant does not reach it, and say so in RAW_REDIS"
    )
    assert set(RAW_REDIS) - found == set(), "these are gone: take them out"


def test_every_place_where_a_process_remembers_is_known() -> None:
    found = sources.remembered()

    assert found - set(REMEMBERED) == set(), (
        "key it by the schema and try it here, or say in REMEMBERED why it holds no tenant's"
    )
    assert set(REMEMBERED) - found == set(), "these are gone: take them out"
