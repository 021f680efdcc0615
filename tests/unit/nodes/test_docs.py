from dataclasses import replace

import pytest

from controlplane.core.errors import DomainError
from controlplane.nodes import docs


@pytest.fixture(scope="module")
def page(every_kind, get_thing) -> str:
    return docs.render([every_kind, get_thing])[f"{docs.FOLDER}/sample.md"]


@pytest.mark.parametrize(
    "row",
    [
        "| `count` | integer, 1 to 9 | yes |  | How many |",
        "| `amount` | number or string | yes |  | How much |",
        "| `outcome` | `rejected`, `accepted` | yes |  | How it ended |",
        "| `tags` | list of string | yes |  | Words for it |",
        "| `address.city` | string | yes |  | The city |",
        "| `expires_in_hours` | integer, from 1 |  | `72` | How long it stays open |",
        '| `resume_url` | string |  | `""` | Where to go on (the n8n node fills it in) |',
        "| `reasons[].code` | string | The reason's name |",
    ],
)
def test_fields(page, row):
    assert row in page.splitlines()


def test_scope_and_address(page):
    assert "`POST /api/v1/operations/sample/try_all` with an API key of scope" in page
    assert "`samples:write`" in page


def test_only_a_changing_operation_speaks_of_its_idempotency_key(page):
    get, try_all = page.split("## Try All")
    assert "Idempotency-Key" not in get
    assert "idempotency_key_reused" not in get
    assert "Idempotency-Key: try-all-1001" in try_all
    assert "`idempotency_key_reused`" in try_all


def test_an_operations_own_errors_are_listed(get_thing):
    class ThingUnknown(DomainError):
        code = "thing_unknown"
        status = 404
        title = "No such thing"

    pages = docs.render([replace(get_thing, errors=(ThingUnknown,))])
    assert "| 404 | `thing_unknown` | No such thing |" in pages[f"{docs.FOLDER}/sample.md"]


def test_the_example_holds_the_required_fields_only(page):
    example = page.split("## Try All")[1].split("```sh")[1]
    assert '"outcome": "rejected"' in example
    assert "note" not in example


def test_the_index_links_each_operation(every_kind, get_thing):
    index = docs.render([every_kind, get_thing])[f"{docs.FOLDER}/README.md"]
    assert "[Sample > Try All](sample.md#try-all)" in index


def test_output_does_not_depend_on_the_order_of_declarations(every_kind, get_thing):
    assert docs.render([every_kind, get_thing]) == docs.render([get_thing, every_kind])


def test_what_simplify_leaves_is_said(get_thing):
    rows = docs.render([replace(get_thing, rows="reasons", simplified=("code",))])
    fields = docs.render([replace(get_thing, simplified=("total",))])
    path = f"{docs.FOLDER}/sample.md"

    assert "*Simplify* leaves each row of `reasons` as an item, with `code`." in rows[path]
    assert "*Simplify* leaves `total`." in fields[path]


def test_a_document_comes_with_the_example(get_thing):
    page = docs.render([replace(get_thing, takes_file=True)])[f"{docs.FOLDER}/sample.md"]

    assert "`Pergola-Input`" in page
    assert "-F 'file=@document.pdf'" in page
