"""What a service refuses, said in the form that asked for it: in the admin and in the portal."""

from django.forms import BaseForm

from controlplane.core.errors import DomainError


def tell(form: BaseForm, refused: DomainError) -> None:
    """The whole sentence at the one field at fault; above the form where it is none or several."""
    at_fault = [fault for fault in refused.errors if fault.field in form.fields]
    if len(at_fault) == len(refused.errors) == 1:
        form.add_error(at_fault[0].field, refused.detail)
        return
    form.add_error(None, refused.detail)
    for fault in at_fault:
        form.add_error(fault.field, fault.message)
