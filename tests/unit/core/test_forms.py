"""Where a form says what a service refuses."""

import pytest
from django import forms

from controlplane.core.errors import DomainError, FieldError
from controlplane.core.forms import tell


class Form(forms.Form):
    note = forms.CharField(required=False)
    slug = forms.CharField(required=False)


@pytest.mark.parametrize(
    ("at_fault", "told"),
    [
        (["note"], {"note": ["Two things are wrong."]}),
        ([], {"__all__": ["Two things are wrong."]}),
        (["rules[0]"], {"__all__": ["Two things are wrong."]}),
        (["note", "rules[0]"], {"__all__": ["Two things are wrong."], "note": ["no good"]}),
        (
            ["note", "slug"],
            {"__all__": ["Two things are wrong."], "note": ["no good"], "slug": ["no good"]},
        ),
    ],
)
def test_it_is_said_at_the_field_that_it_is_about_and_nothing_is_left_out(
    at_fault: list[str], told: dict[str, list[str]]
) -> None:
    form = Form({})
    errors = tuple(FieldError(name, "no good") for name in at_fault)

    tell(form, DomainError("Two things are wrong.", errors=errors))

    assert form.errors == told
