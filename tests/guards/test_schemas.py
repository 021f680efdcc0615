"""Which tables stand where, and what a tenant's schema may not have."""

from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db import connection, models

from controlplane.core.models import Row
from tenants.grants import APPEND_ONLY

SHARED = {
    "account_emailaddress",
    "account_emailconfirmation",
    "audit_checkpoint",
    "audit_entry",
    "auth_group",
    "auth_group_permissions",
    "auth_permission",
    "auth_user",
    "auth_user_groups",
    "auth_user_user_permissions",
    "catalog_caserun",
    "catalog_release",
    "catalog_rollout",
    "catalog_rolloutplace",
    "catalog_template",
    "django_admin_log",
    "django_content_type",
    "django_migrations",
    "django_session",
    "events_outboxmessage",
    "instances_instance",
    "mfa_authenticator",
    "policies_layerexample",
    "policies_layerpolicy",
    "policies_layerrule",
    "policies_layerschedule",
    "policies_layersimulation",
    "policies_layersimulationpart",
    "policies_layerversion",
    "socialaccount_socialaccount",
    "socialaccount_socialapp",
    "socialaccount_socialtoken",
    "tenants_agreement",
    "tenants_apikey",
    "tenants_blueprint",
    "tenants_departure",
    "tenants_domain",
    "tenants_engagement",
    "tenants_fleetresult",
    "tenants_fleetrun",
    "tenants_invitation",
    "tenants_knownnetwork",
    "tenants_member",
    "tenants_modelspend",
    "tenants_ownership",
    "tenants_partner",
    "tenants_partnerlogo",
    "tenants_provisioningstep",
    "tenants_purgerun",
    "tenants_quota",
    "tenants_retentionrule",
    "tenants_securityevent",
    "tenants_singlesignon",
    "tenants_spare",
    "tenants_supportentry",
    "tenants_tenant",
    "tenants_tenanthealth",
    "usersessions_usersession",
    "vault_datakey",
}
OF_TENANTS = {
    "approvals_approval",
    "approvals_attachment",
    "approvals_comment",
    "approvals_delegation",
    "approvals_group",
    "approvals_groupmember",
    "approvals_maillink",
    "approvals_route",
    "approvals_vote",
    "approvals_waiter",
    "audit_checkpoint",
    "audit_entry",
    "catalog_installation",
    "catalog_snapshot",
    "catalog_upgrade",
    "connections_connection",
    "django_migrations",
    "events_delivery",
    "events_event",
    "events_exceptioncase",
    "events_exceptionnote",
    "events_ledgerentry",
    "events_pause",
    "events_source",
    "events_subscription",
    "instances_workspace",
    "invoices_goodsreceipt",
    "invoices_goodsreceiptline",
    "invoices_invoice",
    "invoices_invoiceline",
    "invoices_purchaseorder",
    "invoices_purchaseorderline",
    "knowledge_answer",
    "knowledge_chunk",
    "knowledge_collection",
    "knowledge_document",
    "knowledge_documentversion",
    "knowledge_indexedchunk",
    "knowledge_posting",
    "knowledge_vector",
    "orders_order",
    "orders_orderline",
    "policies_boundversion",
    "policies_decision",
    "policies_decisionentry",
    "policies_example",
    "policies_policy",
    "policies_policyversion",
    "policies_publishingterms",
    "policies_rule",
    "policies_schedule",
    "policies_simulationflip",
    "policies_simulationrun",
    "policies_versionstep",
    "support_ticket",
    "support_triageexample",
    "support_triagemodel",
    "vault_datakey",
}
# Tables of ours without UUIDv7 key and times, and why.
WITHOUT_ROW = {
    "audit.Checkpoint": "ordered by a bigint, as the chain that it signs",
    "audit.Entry": "ordered by a bigint: it is a chain",
    "knowledge.Posting": "thousands for a document; its key is chunk and term",
    "tenants.Domain": "django-tenants' own",
}
# What a tenant may do with a shared table, column by column.
GRANTED = {
    ("catalog_release", "SELECT"), ("catalog_template", "SELECT"),
    ("events_outboxmessage", "INSERT"),
}  # fmt: skip

OURS = [
    model
    for config in apps.get_app_configs()
    if config.name.startswith(("controlplane.", "tenants"))
    for model in config.get_models()
]


def tables(schema: str) -> set[str]:
    return {
        row[0] for row in query("SELECT tablename FROM pg_tables WHERE schemaname = %s", schema)
    }


def query(statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall()


def test_shared_tables_are_the_ones_that_are_meant_to_be(db: None) -> None:
    assert tables("public") == SHARED


@pytest.mark.parametrize("schema", ["t_north", "t_south"])
def test_tenants_tables_are_the_ones_that_are_meant_to_be(db: None, schema: str) -> None:
    assert tables(schema) == OF_TENANTS


def test_only_what_each_schema_has_of_its_own_stands_in_both() -> None:
    assert {
        "django_migrations",
        "audit_checkpoint",
        "audit_entry",
        "vault_datakey",
    } == SHARED & OF_TENANTS


def test_split_apps_name_models_that_exist() -> None:
    for label, names in settings.TENANT_MODELS.items():
        assert names <= {
            model._meta.model_name for model in apps.get_app_config(label).get_models()
        }


def test_no_key_leads_out_of_a_tenants_schema(db: None) -> None:
    leads_out = query(
        "SELECT c.conrelid::regclass::text, c.confrelid::regclass::text FROM pg_constraint c"
        " JOIN pg_class f ON f.oid = c.conrelid JOIN pg_class t ON t.oid = c.confrelid"
        " JOIN pg_namespace n ON n.oid = f.relnamespace"
        " WHERE c.contype = 'f' AND n.nspname LIKE 't\\_%%' AND f.relnamespace <> t.relnamespace"
    )

    assert leads_out == []


def test_no_index_of_a_tenant_is_there_twice(db: None) -> None:
    """`unique=True` on a CharField makes a second one for LIKE: UniqueConstraint does not."""
    twins = query(
        "SELECT indexname FROM pg_indexes"
        " WHERE schemaname LIKE 't\\_%%' AND indexname LIKE '%%\\_like'"
    )

    assert twins == []


def test_no_sequences_in_tenants_schemas_but_djangos_own(db: None) -> None:
    sequences = query(
        "SELECT relname FROM pg_class"
        " WHERE relkind = 'S' AND relnamespace = 't_north'::regnamespace"
    )

    assert sequences == [("django_migrations_id_seq",)]


def test_every_table_of_ours_has_a_time_ordered_key_and_times() -> None:
    without = {
        f"{model._meta.app_label}.{model.__name__}"
        for model in OURS
        if not issubclass(model, Row) and not model._meta.proxy
    }

    assert without == set(WITHOUT_ROW)


def test_no_field_of_a_tenant_makes_an_index_by_itself() -> None:
    found = [
        f"{model.__name__}.{field.name}"
        for model in OURS
        if model._meta.db_table in OF_TENANTS
        for field in model._meta.local_fields
        if isinstance(field, models.CharField | models.TextField)
        and (field.unique or field.db_index)
        and not field.primary_key
    ]  # fmt: skip

    assert found == []


def test_a_tenants_role_may_use_these_shared_tables_and_no_others(db: None) -> None:
    granted = query(
        "WITH acls AS ("
        " SELECT c.relname, c.relacl AS acl FROM pg_class c"
        " WHERE c.relnamespace = 'public'::regnamespace AND c.relacl IS NOT NULL"
        " UNION ALL SELECT c.relname, a.attacl FROM pg_class c"
        " JOIN pg_attribute a ON a.attrelid = c.oid"
        " WHERE c.relnamespace = 'public'::regnamespace AND a.attacl IS NOT NULL)"
        " SELECT DISTINCT acls.relname, g.privilege_type FROM acls, aclexplode(acls.acl) g"
        " LEFT JOIN pg_roles r ON r.oid = g.grantee"
        " WHERE r.rolname IS NULL OR r.rolname LIKE %s",
        f"{connection.settings_dict['NAME']}_%",
    )

    assert set(granted) == GRANTED


@pytest.mark.parametrize("table", APPEND_ONLY)
def test_what_is_append_only_cannot_be_changed_or_deleted(db: None, table: str) -> None:
    role = f"{connection.settings_dict['NAME']}_t_north"
    rights = query(
        "SELECT p, has_table_privilege(%s, c.oid, p) FROM pg_class c,"
        " unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) p"
        " WHERE c.relname = %s AND c.relnamespace = 't_north'::regnamespace",
        role,
        table,
    )

    assert {right for right, may in rights if may} == {"SELECT", "INSERT"}


def test_the_application_owns_nothing_and_is_no_superuser(db: None) -> None:
    assert query(
        "SELECT rolsuper, rolcreaterole, rolcreatedb, rolbypassrls FROM pg_roles"
        " WHERE rolname = current_user"
    ) == [(False, False, False, False)]
    assert not query("SELECT relname FROM pg_class WHERE pg_get_userbyid(relowner) = current_user")


def test_every_model_change_has_its_migration(
    django_db_setup: None, django_db_blocker: Any
) -> None:
    with django_db_blocker.unblock():
        call_command("makemigrations", check=True, dry_run=True, verbosity=0)
