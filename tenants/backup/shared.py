"""The shared rows that belong to a tenant, each table declared, and how they read in an archive.

What they refer to is written by names, since keys differ between installations: a partner by its
slug, a person by the e-mail address.
"""

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.db import models
from psycopg import sql

from controlplane.core.errors import DomainError
from controlplane.core.models import new_id
from tenants.models import Domain, Partner, Tenant

Values = dict[str, Any]
USING = "owner"


class PersonUnclear(DomainError):
    code = "backup_person_unclear"
    status = 409
    title = "It is unclear who a member is here"


@dataclass(frozen=True)
class Kept:
    """A shared table whose rows with `column` = the tenant's key (or schema) go along.

    Rows that may stand only once (a host, a key) stay with the original when a copy is made under
    another name. `held` may change a row before it is added.
    """

    label: str
    column: str = "tenant_id"
    stays_with_original: bool = False
    held: Callable[[Values], Values] = lambda values: values

    @property
    def model(self) -> type[models.Model]:
        return apps.get_model(self.label)


_kept: dict[str, Kept] = {}
_left_out: dict[str, str] = {}


def keep_shared(
    label: str,
    *,
    column: str = "tenant_id",
    stays_with_original: bool = False,
    held: Callable[[Values], Values] = lambda values: values,
) -> None:
    """From AppConfig.ready, in the order in which rows refer to one another."""
    _kept[label] = Kept(label, column, stays_with_original, held)


def leave_out(label: str, why: str) -> None:
    """From AppConfig.ready: this table refers to tenants and is none of an archive's."""
    _left_out[label] = why


def declared() -> set[str]:
    return {*_kept, *_left_out}


keep_shared("tenants.Domain", stays_with_original=True)
keep_shared("tenants.Engagement")
keep_shared("tenants.Ownership")
keep_shared("tenants.Member")
# Its secret is known to whoever has it, so it can name one tenant only.
keep_shared("tenants.ApiKey", stays_with_original=True)
keep_shared("tenants.Quota")
keep_shared("tenants.Agreement")
keep_shared("tenants.ModelSpend")
keep_shared("tenants.RetentionRule")
keep_shared("tenants.PurgeRun")
# Its link is in somebody's mailbox already, and leads to one tenant only.
keep_shared("tenants.Invitation", stays_with_original=True)
leave_out("tenants.Departure", "what this installation removed, and certifies")
leave_out("tenants.FleetResult", "what this installation migrated")
leave_out("tenants.ProvisioningStep", "what this installation made for it, and makes anew")
leave_out("tenants.SecurityEvent", "what was seen at the doors of this installation")
leave_out("tenants.Spare", "a schema that is no tenant's yet")
leave_out("tenants.SupportEntry", "of this platform's admins; the trail says when they came")
leave_out("tenants.TenantHealth", "counted anew every few minutes")
leave_out("tenants.Tenant", "a sandbox is a tenant of its own, with an archive of its own")


@dataclass
class SharedRows:
    """As the archive holds them. `rows` are by table, in the order of their declaration."""

    tenant: Values
    production: str
    partners: list[Values] = field(default_factory=list)
    people: list[Values] = field(default_factory=list)
    rows: dict[str, list[Values]] = field(default_factory=dict)

    def as_json(self) -> bytes:
        return json.dumps(vars(self), default=_plain, indent=1, ensure_ascii=False).encode()


def read_shared(execute: Callable[..., Any], tenant: Tenant, *, with_passwords: bool) -> SharedRows:
    """By the connection of the snapshot, so that they are of the same moment as the tables."""

    def rows(model: type[models.Model], column: str, values: list[Any]) -> list[Values]:
        names = [str(f.column) for f in model._meta.concrete_fields]
        query = sql.SQL("SELECT {} FROM public.{} WHERE {} = ANY(%s)").format(
            sql.SQL(", ").join(map(sql.Identifier, names)),
            sql.Identifier(model._meta.db_table), sql.Identifier(column),
        )  # fmt: skip
        return [dict(zip(names, row, strict=True)) for row in execute(query, [values]).fetchall()]

    own = rows(Tenant, "id", [tenant.pk])[0]
    production = rows(Tenant, "id", [own["sandbox_of_id"]]) if own["sandbox_of_id"] else []
    found = SharedRows(own, production[0]["slug"] if production else "")
    for kept in _kept.values():
        value = tenant.schema_name if kept.column == "schema_name" else tenant.pk
        found.rows[kept.label] = rows(kept.model, kept.column, [value])
    partner_ids = _referred(found, Partner)
    found.partners = rows(Partner, "id", partner_ids)
    people = rows(get_user_model(), "id", _referred(found, get_user_model()))
    wanted = ["id", "username", "email", "first_name", "last_name", "is_active"]
    if with_passwords:
        wanted.append("password")
    # Never who is staff: an archive must not be a way to become the platform's admin.
    found.people = [{name: person[name] for name in wanted} for person in people]
    return found


def write_shared(shared: SharedRows, tenant: Tenant, *, is_copy: bool) -> list[str]:
    """Add the rows to a tenant whose own row stands; returns what a person should know.

    In the caller's transaction on the owner's connection. Raises PersonUnclear.
    """
    notes: list[str] = []
    partners = {row["id"]: _partner(row, notes) for row in shared.partners}
    people = {row["id"]: _person(row, notes) for row in shared.people}
    made: dict[str, uuid.UUID] = {}
    for kept in _kept.values():
        if is_copy and kept.stays_with_original:
            continue
        for values in shared.rows.get(kept.label, []):
            row = _row(kept, values, tenant, partners, people, made)
            kept.model._default_manager.using(USING).bulk_create([row])
    if is_copy:
        from tenants.provisioning import platform_domain

        Domain.objects.using(USING).create(
            domain=platform_domain(tenant.slug), tenant=tenant, is_primary=True
        )
        notes.append("API keys and own host names stay with the original: issue new ones.")
    return notes


def remove_shared(tenant: Tenant) -> None:
    """What a restore will write again."""
    for kept in reversed(_kept.values()):
        value = tenant.schema_name if kept.column == "schema_name" else tenant.pk
        kept.model._default_manager.using(USING).filter(**{kept.column: value}).delete()


def fields_of(model: type[models.Model], values: Values) -> Values:
    """The values as Python has them; columns that this release does not have are left out."""
    return {
        f.attname: None if values[f.column] is None else f.to_python(values[f.column])
        for f in model._meta.concrete_fields
        if f.column in values and not f.is_relation
    }


def _row(
    kept: Kept, values: Values, tenant: Tenant, partners: dict[str, Partner],
    people: dict[int, Any], made: dict[str, uuid.UUID],
) -> models.Model:  # fmt: skip
    model, values = kept.model, kept.held(dict(values))
    given = fields_of(model, values)
    for f in model._meta.concrete_fields:
        old = values.get(str(f.column))
        if not f.is_relation or old is None:
            continue
        if f.related_model is Tenant:
            given[f.attname] = tenant.pk
        elif f.related_model is Partner:
            given[f.attname] = partners[old].pk
        elif f.related_model is get_user_model():
            given[f.attname] = people[old].pk
        else:
            given[f.attname] = made.get(str(old), old)
    if "schema_name" in given:
        given["schema_name"] = tenant.schema_name
    key = model._meta.pk
    assert key is not None
    if isinstance(key, models.UUIDField):
        is_taken = model._default_manager.using(USING).filter(pk=given[key.attname]).exists()
        if is_taken:
            made[str(given[key.attname])] = given[key.attname] = new_id()
    else:
        del given[key.attname]
    return model(**given)


def _referred(found: SharedRows, to: type[models.Model]) -> list[Any]:
    keys: set[Any] = set()
    for label, rows in found.rows.items():
        for f in apps.get_model(label)._meta.concrete_fields:
            if f.related_model is to:
                keys |= {row[f.column] for row in rows if row[f.column] is not None}
    return sorted(keys)


def _partner(values: Values, notes: list[str]) -> Partner:
    given = fields_of(Partner, values)
    known = Partner.objects.using(USING).filter(slug=given["slug"]).first()
    if known is not None:
        return known
    if Partner.objects.using(USING).filter(pk=given["id"]).exists():
        given["id"] = new_id()
    notes.append(f"The partner {given['name']} is new here: invite its members.")
    return Partner.objects.using(USING).bulk_create([Partner(**given)])[0]


def _person(values: Values, notes: list[str]) -> Any:
    """Who has the address already; else a new person, who sets a password by e-mail."""
    users = get_user_model()._default_manager.using(USING)
    known = list(users.filter(email__iexact=values["email"])[:2]) if values["email"] else []
    if len(known) == 1:
        return known[0]
    by_name = users.filter(username=values["username"]).first()
    if known or by_name is not None:
        raise PersonUnclear(
            f"The backup has a member {values['username']} <{values['email']}>, and here that name "
            "or address is of somebody else or of several. Give each person here an address of "
            "their own, then restore again."
        )
    notes.append(f"{values['email'] or values['username']} is new here.")
    person = get_user_model()(**{k: v for k, v in values.items() if k not in {"id", "password"}})
    person.password = values.get("password", "")
    if not person.password:
        person.set_unusable_password()
    return users.bulk_create([person])[0]


def _plain(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, uuid.UUID | Decimal):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no form in an archive yet")
