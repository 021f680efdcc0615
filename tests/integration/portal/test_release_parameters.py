"""A partner shapes what a draft asks for, row by row; what is wrong is said at its field."""

from typing import Any

import pytest
from django.test import Client

from controlplane.catalog import importing, releases
from controlplane.catalog.models import Release
from controlplane.catalog.shaping import write_draft
from tests.factories.events import ADA
from tests.integration.portal.test_releases import builder, draft  # noqa: F401

pytestmark = pytest.mark.django_db
ROW = {"was": "", "label": "Label", "name": "value", "type": "text", "required": "on",
       "changeable": "on"}  # fmt: skip


def form(*rows: dict[str, Any], **more: Any) -> dict[str, Any]:
    sent = {"rows-TOTAL_FORMS": str(len(rows)), "rows-INITIAL_FORMS": "0", **more}
    for number, row in enumerate(rows):
        sent |= {f"rows-{number}-{name}": value for name, value in {**ROW, **row}.items()}
    return sent


def at(draft: Release) -> str:  # noqa: F811
    return f"/templates/own/{draft.pk}/shape/"


def test_each_field_of_a_parameter_is_a_partners_to_set(builder: Client, draft: Release) -> None:  # noqa: F811
    proposed = importing.proposed(draft)
    importing.confirm(release_id=draft.pk, names=["get_address"], labels={}, by=ADA)
    page = builder.get(at(draft)).content.decode()
    assert "https://shop.example/orders" in page
    address = {"was": "get_address", "name": "shop", "label": "Shop", "help": "With orders.",
               "default": "https://other.example"}  # fmt: skip
    rows = [
        {"name": "limit", "label": "Hold above", "type": "money", "default": "500.00 eur"},
        address,
        {"name": "way", "label": "Way", "type": "choice", "choices": "sea: By sea\nroad",
         "default": "sea", "changeable": ""},
        {"name": "most", "label": "Most", "type": "integer", "default": "9", "minimum": "1",
         "maximum": "20", "required": ""},
        {"name": "at_home", "label": "At home", "type": "countries", "default": "DE\nAT"},
        {"name": "mail", "label": "Mail server", "type": "connection", "connection_kinds": "smtp"},
        {"name": "loud", "label": "Loud", "type": "boolean", "default": "false"},
    ]  # fmt: skip

    answer = builder.post(at(draft), form(*rows))

    assert answer.status_code == 302, answer.context["above"]
    draft.refresh_from_db()
    specs = {spec.name: spec for spec in draft.terms.parameters}
    assert list(specs) == ["limit", "shop", "way", "most", "at_home", "mail", "loud"]
    assert specs["limit"].default == {"amount": "500.00", "currency": "EUR"}
    assert specs["shop"].uses == next(s for s in proposed if s.name == "get_address").uses
    assert (specs["way"].choices, specs["way"].changeable) == (
        {"sea": "By sea", "road": "road"}, False,
    )  # fmt: skip
    most = specs["most"]
    assert (most.default, most.minimum, most.maximum, most.required) == (9, 1, 20, False)
    assert (specs["at_home"].default, specs["loud"].default) == (["DE", "AT"], False)
    assert specs["mail"].connection_kinds == ["smtp"]
    again = builder.get(at(draft)).content.decode()
    for text in ("500.00 EUR", "sea: By sea", "DE\nAT"):
        assert text in again
    shown = builder.get(f"/templates/own/{draft.pk}/").content.decode()
    assert "Hold above" in shown
    assert "Cannot be changed later." in shown


@pytest.mark.parametrize(
    ("row", "field", "told"),
    [
        ({"type": "integer", "default": "many"}, "default", "must be a whole number"),
        ({"type": "integer", "default": "9", "maximum": "3"}, "default", "at most 3"),
        ({"type": "money", "default": "500 XX1"}, "default", "must have an amount and a currency"),
        ({"name": "Hold Above"}, "name", "should match pattern"),
        ({"type": "choice"}, "name", "a choice has choices"),
        ({"label": ""}, "label", "required"),
    ],
)
def test_what_is_wrong_stands_at_its_field_and_what_was_typed_stays(
    builder: Client,  # noqa: F811
    draft: Release,  # noqa: F811
    row: dict[str, Any],
    field: str,
    told: str,
) -> None:
    answer = builder.post(at(draft), form({"name": "first", "help": "Typed before"}, row))

    assert answer.status_code == 422
    (fault,) = answer.context["rows"][1].errors[field]
    assert told in fault
    assert "Typed before" in answer.content.decode()
    draft.refresh_from_db()
    assert draft.terms.parameters == []


def test_a_row_more_and_a_row_less(builder: Client, draft: Release) -> None:  # noqa: F811
    page = builder.post(at(draft), form({"help": "Typed before"}, more="rows")).content.decode()
    assert 'name="rows-1-name"' in page
    assert "Typed before" in page

    gone = {"name": "gone", "DELETE": "on"}
    assert builder.post(at(draft), form({"name": "stays"}, gone)).status_code == 302

    draft.refresh_from_db()
    assert [spec.name for spec in draft.terms.parameters] == ["stays"]
    twice = builder.post(at(draft), form({"name": "same"}, {"name": "same"}))
    assert "is the name of another one" in twice.content.decode()


def test_what_the_cases_need_is_said_above(builder: Client, draft: Release) -> None:  # noqa: F811
    from tests.integration.catalog.test_releases import with_case

    with_case(draft)

    answer = builder.post(at(draft), form({"name": "region"}))

    assert answer.status_code == 422
    assert "case &#x27;accepts&#x27;" in answer.content.decode()


def test_a_schedule_stays_one(draft: Release) -> None:  # noqa: F811
    (name,) = [spec.name for spec in importing.proposed(draft) if spec.type == "schedule"]
    importing.confirm(release_id=draft.pk, names=[name], labels={}, by=ADA)
    row = {"name": name, "type": "text", "label": "When"}

    with pytest.raises(releases.ReleaseInvalid, match="stays a schedule") as refused:
        write_draft(release_id=draft.pk, parameters=[row], by=ADA)

    assert refused.value.errors[0].field == "parameters.0.type"


def test_what_was_released_keeps_its_parameters(builder: Client, draft: Release) -> None:  # noqa: F811
    releases.go_live(release_id=draft.pk, note="Tried by hand", by=ADA)

    answer = builder.post(at(draft), form({}))

    assert answer.status_code == 422
    assert "was released" in answer.content.decode()
