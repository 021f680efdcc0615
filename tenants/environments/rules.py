"""What becomes of each field of a tenant's row when it is copied to the sandbox.

Every model of a tenant app is declared by the app that owns it: copied, each field by a rule, or
never copied. A guard compares that with the models, so a new field fails the build until somebody
has said what is to become of it.
"""

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.apps import apps
from django.db import models

from tenants.environments.pseudonyms import Pseudonyms

Rule = Callable[[Any, Pseudonyms, models.Model], Any]


def keep(value: Any, names: Pseudonyms, row: models.Model) -> Any:
    """Numbers, times, keys and what has choices: nothing that a person typed."""
    return value


def reset(value: Any, names: Pseudonyms, row: models.Model) -> Any:
    """What Pergola made of the input; the sandbox makes it anew. The field's own default stays."""
    return RESET


RESET = object()


def _of(change: Callable[[Pseudonyms, str], str]) -> Rule:
    def rule(value: Any, names: Pseudonyms, row: models.Model) -> Any:
        return change(names, value) if value else value

    return rule


name = _of(Pseudonyms.name)
company = _of(Pseudonyms.company)
email = _of(Pseudonyms.email)
phone = _of(Pseudonyms.phone)
text = _of(Pseudonyms.text)
code = _of(Pseudonyms.code)
foreign_id = _of(Pseudonyms.id)
tax_id = _of(Pseudonyms.tax_id)
iban = _of(Pseudonyms.iban)
filename = _of(Pseudonyms.filename)
digest = _of(Pseudonyms.digest)


# What every row of ours has.
ROW: dict[str, Rule] = {"id": keep, "created_at": keep, "updated_at": keep}


def as_json(value: Any, names: Pseudonyms, row: models.Model) -> Any:
    return names.json(value)


def json_text(value: Any, names: Pseudonyms, row: models.Model) -> Any:
    """A body as it came in; one that is no JSON is not understood, so nothing of it is kept."""
    try:
        return json.dumps(names.json(json.loads(value)), ensure_ascii=False)
    except ValueError:
        return "{}"


def choice(value: Any, names: Pseudonyms, row: models.Model) -> Any:
    """A word of a list in code; the database would hold any."""
    return names.code(value) if value else value


def new_secret(value: Any, names: Pseudonyms, row: models.Model) -> Any:
    """Never production's."""
    return secrets.token_hex(32) if value else value


@dataclass(frozen=True)
class Copied:
    """`what` is the group that people choose. A row whose `match_by` fields are in the sandbox
    already stands for the one that would be copied.
    """

    what: str
    fields: dict[str, Rule]
    match_by: tuple[str, ...] = ()


@dataclass(frozen=True)
class Never:
    """`emptied`: rows of the sandbox that speak of others, which a copy takes the place of."""

    why: str
    emptied: bool = False


@dataclass(frozen=True)
class ByService:
    """Copied by an action, with the same checks as when people change it."""

    what: str


Terms = Copied | Never | ByService


@dataclass
class _Declared:
    models: dict[str, Terms] = field(default_factory=dict)
    actions: dict[str, Callable[..., None]] = field(default_factory=dict)


_declared = _Declared()


def declare(label: str, terms: Terms) -> None:
    """From AppConfig.ready, parents before what refers to them."""
    _declared.models[label] = terms


def declare_action(what: str, run: Callable[..., None]) -> None:
    """From AppConfig.ready: what is copied by a service, `run(production=, sandbox=, by=)`."""
    _declared.actions[what] = run


def declared() -> dict[str, Terms]:
    return _declared.models


def actions() -> dict[str, Callable[..., None]]:
    return _declared.actions


def groups() -> list[str]:
    """What may be asked for, in the order in which it is copied."""
    of_rows = [terms.what for terms in declared().values() if isinstance(terms, Copied)]
    return list(dict.fromkeys([*of_rows, *actions()]))


def models_of(what: list[str]) -> list[tuple[type[models.Model], Copied]]:
    return [
        (apps.get_model(label), terms)
        for label, terms in declared().items()
        if isinstance(terms, Copied) and terms.what in what
    ]


def emptied_models() -> list[type[models.Model]]:
    return [
        apps.get_model(label)
        for label, terms in declared().items()
        if isinstance(terms, Never) and terms.emptied
    ]


def changed(row: models.Model, terms: Copied, names: Pseudonyms) -> models.Model:
    """The row as the sandbox gets it: built anew, so that nothing undeclared comes along."""
    given = {}
    for f in row._meta.concrete_fields:
        value = terms.fields[f.name](getattr(row, f.attname), names, row)
        if value is RESET:
            continue
        longest = getattr(f, "max_length", None)
        given[f.attname] = value[:longest] if isinstance(value, str) and longest else value
    return type(row)(**given)
