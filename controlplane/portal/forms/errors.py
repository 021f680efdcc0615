"""From a service's errors to the fields of the form that was sent."""

from django import forms

from controlplane.core.errors import DomainError


def mark(form: forms.Form, error: DomainError, *, prefix: str = "") -> None:
    """Put each error at its field; what belongs to no field stands above the form."""
    for found in error.errors:
        name = prefix + found.field
        label = form.fields[name].label if name in form.fields else found.field
        form.add_error(name if name in form.fields else None, f"{label}: {found.message}")
    if not error.errors:
        form.add_error(None, error.detail)
