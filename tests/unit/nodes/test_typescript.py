import re
from dataclasses import dataclass, replace

import pytest
from pydantic import Field

from controlplane.nodes import choices, typescript
from controlplane.nodes.choices import ChoiceList
from controlplane.nodes.operation import OperationInput

TRY_ALL = f"{typescript.RESOURCES}/sample/tryAll.ts"


@dataclass(frozen=True)
class Event:
    name: str
    label: str
    description: str


EVENTS = (
    Event("order.updated", "Order Updated", "An order was changed."),
    Event("order.created", "Order Created", "There is a new order"),
)


@pytest.fixture(scope="module")
def files(every_kind, get_thing) -> dict[str, str]:
    return typescript.render([every_kind, get_thing], EVENTS)


def declared(text: str, name: str) -> str:
    """The part of the file that declares one parameter."""
    pattern = rf"^(\t+)\{{\n\t+displayName: '[^']+',\n\t+name: '{name}',.*?^\1\}},$"
    found = re.search(pattern, text, re.DOTALL | re.MULTILINE)
    assert found, f"{name} is not declared"
    return found.group(0)


@pytest.mark.parametrize(
    ("field", "kind"),
    [
        ("text", "string"),
        ("flag", "boolean"),
        ("count", "number"),
        ("amount", "number"),
        ("outcome", "options"),
        ("priority", "options"),
        ("tags", "json"),
        ("data", "json"),
        ("address", "json"),
        ("event_id", "string"),
        ("due_at", "dateTime"),
        ("note", "string"),
    ],
)
def test_each_python_type_has_its_kind_of_parameter(files, field, kind):
    assert f"type: '{kind}'," in declared(files[TRY_ALL], field)


@pytest.mark.parametrize(
    ("field", "default"),
    [
        ("text", "''"),
        ("flag", "false"),
        ("count", "1"),
        ("amount", "0"),
        ("outcome", "'rejected'"),
        ("tags", "'[]'"),
        ("data", "'{}'"),
        ("event_id", "'={{ $json.event_id }}'"),
        ("expires_in_hours", "72"),
        ("note", "''"),
    ],
)
def test_defaults(files, field, default):
    assert f"default: {default}," in declared(files[TRY_ALL], field)


def test_required_fields_stand_alone_and_are_shown_for_their_operation(files):
    text = declared(files[TRY_ALL], "text")
    assert "required: true," in text
    assert "displayOptions: showOnlyForTryAll," in text


def test_optional_fields_gather_in_additional_fields(files):
    before, after = files[TRY_ALL].split("name: 'additionalFields'")
    assert "name: 'note'" not in before
    assert re.findall(r"name: '(\w+)'", after) == ["expires_in_hours", "note"]
    assert "required" not in after


def test_an_operation_without_optional_fields_has_no_additional_fields(files):
    assert "additionalFields" not in files[f"{typescript.RESOURCES}/sample/get.ts"]


def test_hidden_fields_are_left_out(files):
    assert not any("resume_url" in text for text in files.values())


def test_options_are_sorted_by_their_titles(files):
    names = re.findall(r"\t+name: '(Accepted|Rejected)'", files[TRY_ALL])
    assert names == ["Accepted", "Rejected"]


def test_bounds_labels_and_multiline(files):
    assert "typeOptions: { minValue: 1, maxValue: 9 }," in declared(files[TRY_ALL], "count")
    assert "typeOptions: { rows: 4 }," in declared(files[TRY_ALL], "note")
    assert "displayName: 'The Thing'," in files[f"{typescript.RESOURCES}/sample/get.ts"]


def test_descriptions_end_as_n8n_wants_them(files):
    assert "description: 'Some text. It may be long.'," in files[TRY_ALL]
    assert "description: 'Whether to be quick'," in files[TRY_ALL]
    assert 'description: "It\'s a note",' in files[TRY_ALL]


def test_a_boolean_without_whether_is_refused_by_name(every_kind):
    class Input(OperationInput):
        fast: bool = Field(description="Be quick")

    with pytest.raises(ValueError, match=r"sample\.try_all\.fast"):
        typescript.render([replace(every_kind, input_model=Input)], EVENTS)


def test_operations_are_offered_by_title(files):
    text = files[f"{typescript.RESOURCES}/sample/index.ts"]
    assert re.findall(r"value: '(\w+)'", text) == ["get", "try_all"]
    assert "action: 'Try all kinds'," in text
    assert "\ttry_all: tryAll,\n" in text
    assert "\tget,\n" in text


def test_events_are_offered_by_label(files):
    assert re.findall(r"value: '([\w.]+)'", files[typescript.EVENTS]) == [
        "order.created",
        "order.updated",
    ]


def test_output_does_not_depend_on_the_order_of_declarations(files, every_kind, get_thing):
    again = typescript.render([get_thing, every_kind], reversed(EVENTS))
    assert again == files


def test_every_file_says_not_to_edit_it(files):
    assert all("do not edit" in text.splitlines()[0] for text in files.values())
    assert all(text.endswith("\n") for text in files.values())


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("event_id", "Event ID"),
        ("expires_in_hours", "Expires in Hours"),
        ("resume_url", "Resume URL"),
        ("for", "For"),
    ],
)
def test_title_of(name, title):
    assert typescript.title_of(name) == title


def test_an_optional_field_that_is_shown_stands_alone(files):
    text = files[TRY_ALL]
    shown = declared(text, "kind")

    assert "displayOptions: showOnlyFor" in shown
    assert "required" not in shown
    assert text.index("name: 'kind'") < text.index("name: 'additionalFields'")


class TestChoosing:
    @pytest.fixture
    def chosen(self, get_thing, monkeypatch) -> dict[str, str]:
        monkeypatch.setattr(choices, "_lists", {})
        choices.offer(ChoiceList("things", "a thing", "Name or ID", frozenset(), lambda _: [], str))

        class Input(OperationInput):
            thing: str = Field(
                description="Which one", json_schema_extra={"n8n": {"choices": "things"}}
            )
            kind: str = Field(
                default="plain",
                description="Which kind",
                json_schema_extra={"n8n": {"choices": "things"}},
            )
            several: list[str] = Field(
                description="Which ones", json_schema_extra={"n8n": {"choices": "things"}}
            )

        return typescript.render([replace(get_thing, input_model=Input)], EVENTS)

    def test_a_field_that_chooses_is_a_resource_locator(self, chosen):
        text = declared(chosen[f"{typescript.RESOURCES}/sample/get.ts"], "thing")

        assert "type: 'resourceLocator'," in text
        assert "searchListMethod: 'things'," in text
        assert "displayName: 'By Name or ID'," in text
        assert "placeholder: 'Select a thing...'," in text
        assert "required: true," in text

    def test_its_default_is_kept(self, chosen):
        text = declared(chosen[f"{typescript.RESOURCES}/sample/get.ts"], "kind")

        assert "value: 'plain'," in text

    def test_a_field_that_takes_several_is_ticked(self, chosen):
        text = declared(chosen[f"{typescript.RESOURCES}/sample/get.ts"], "several")

        assert "displayName: 'Things Names or IDs'," in text
        assert "loadOptionsMethod: 'things'," in text

    def test_the_lists_are_named_once(self, chosen):
        assert "export const lists = ['things'] as const;" in chosen[typescript.LISTS]

    def test_a_list_that_nobody_offers_is_refused(self, get_thing):
        class Input(OperationInput):
            thing: str = Field(
                description="Which one", json_schema_extra={"n8n": {"choices": "nothing"}}
            )

        with pytest.raises(choices.ChoicesUnknown, match="nothing"):
            typescript.render([replace(get_thing, input_model=Input)], EVENTS)


def test_simplify_is_for_new_nodes_only(get_thing):
    simple = replace(get_thing, rows="reasons", simplified=("code",))
    text = typescript.render([simple], EVENTS)[f"{typescript.RESOURCES}/sample/get.ts"]

    assert "rows: 'reasons'," in text
    assert "fields: ['code']," in text
    assert "'@version': [{ _cnd: { gte: 1.1 } }]," in declared(text, "simplify")


def test_a_list_in_pages_returns_all_or_up_to_a_limit(get_thing):
    class Input(OperationInput):
        limit: int = Field(default=50, ge=1, le=200, description="Max number of results to return")
        after: str = Field(default="", description="Where to go on")

    paged = replace(get_thing, input_model=Input, rows="reasons", pages="next_page")
    text = typescript.render([paged], EVENTS)[f"{typescript.RESOURCES}/sample/get.ts"]
    before, additional = text.split("name: 'additionalFields'")

    assert "simplified: { rows: 'reasons' }," in text
    assert "nextPage: 'next_page'," in text
    assert "default: false," in declared(before, "returnAll")
    assert "returnAll: [false]," in declared(before, "limit")
    assert "'@version': [{ _cnd: { gte: 1.2 } }]," in declared(before, "limit")
    assert "'@version': [1, 1.1]," in declared(additional, "limit")


def test_an_operation_that_takes_a_file_asks_for_its_binary_field(get_thing):
    handed = replace(get_thing, takes_file=True, slow=True)
    text = typescript.render([handed], EVENTS)[f"{typescript.RESOURCES}/sample/get.ts"]

    assert "takesFile: true," in text
    assert "default: 'data'," in declared(text, "binaryPropertyName")
