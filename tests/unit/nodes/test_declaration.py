"""What a declaration is refused for: the process does not start with it."""

import pytest
from django.core.exceptions import ImproperlyConfigured
from pydantic import BaseModel, Field

from controlplane.nodes import registry
from controlplane.nodes.declaration import (
    OperationFile,
    OperationInput,
    OperationOutput,
    operation,
)


class Row(BaseModel):
    code: str = Field(description="Its name")


class Given(OperationInput):
    pass


class Answered(OperationOutput):
    rows: list[Row] = Field(description="All of them")
    total: int = Field(description="How many")


@pytest.fixture(autouse=True)
def _registry(monkeypatch):
    monkeypatch.setattr(registry, "_operations", {})


def declare(**given):
    return operation(resource="sample", name="get", action="Get", scope="samples:read", **given)


@pytest.mark.parametrize(
    "given", [{"rows": "lines"}, {"rows": "rows", "simplified": ("total",)}, {"simplified": ("a",)}]
)
def test_what_simplify_would_leave_is_in_the_answer(given):
    def handler(data: Given, *, by: object) -> Answered:
        """Get it."""
        raise NotImplementedError

    with pytest.raises(ImproperlyConfigured, match="answers no"):
        declare(**given)(handler)


class Paged(OperationInput):
    limit: int = Field(default=50, description="How many")
    after: str = Field(default="", description="Where to go on")


@pytest.mark.parametrize(
    ("data", "given", "told"),
    [
        (Paged, {"pages": "total"}, "answers no rows"),
        (Paged, {"rows": "rows", "pages": "next"}, "no next"),
        (Given, {"rows": "rows", "pages": "total"}, "takes no after, limit"),
    ],
)
def test_what_return_all_asks_for_is_there(data, given, told):
    def handler(data, *, by: object) -> Answered:
        """Get it."""
        raise NotImplementedError

    handler.__annotations__["data"] = data
    with pytest.raises(ImproperlyConfigured, match=told):
        declare(**given)(handler)


def test_one_that_takes_a_file_is_slow():
    def handler(data: Given, *, by: object, file: OperationFile) -> Answered:
        """Get it."""
        raise NotImplementedError

    with pytest.raises(ImproperlyConfigured, match="slow"):
        declare()(handler)
    declare(slow=True)(handler)
    assert registry._operations["sample.get"].takes_file
