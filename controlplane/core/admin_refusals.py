"""What a service refuses is said in the admin where it was asked: at the form, or above the list.

Every page that saves, deletes or acts by Django's own ways has it from here, so that none answers
with a page of an error for something that a person can put right.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.db import models, router, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from unfold.admin import ModelAdmin

from controlplane.core.errors import DomainError
from controlplane.core.forms import tell

Run = Callable[..., Any]
DELETES = "delete_selected"


class _Refused:
    """A form that would be valid, had the service not refused what it asks for."""

    refused: DomainError

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        tell(self, self.refused)  # type: ignore[arg-type]


class TellsRefusals(ModelAdmin):
    """Adding, changing, deleting and actions, where a service says no: nothing of it is kept."""

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: Any = None,
        form_url: str = "",
        extra_context: Any = None,
    ) -> HttpResponse:
        asked = (request, object_id, form_url, extra_context)
        try:
            return super().changeform_view(*asked)  # type: ignore[no-any-return]
        except DomainError as refused:
            request.refused = refused  # type: ignore[attr-defined]
        for files in request.FILES.lists():
            for file in files[1]:
                file.seek(0)
        # Once more with the refusal in the form, which is shown with what was typed. A form that
        # does something while it is checked does it for nothing.
        with transaction.atomic(using=router.db_for_write(self.model)):
            answer: HttpResponse = super().changeform_view(*asked)
            transaction.set_rollback(True, using=router.db_for_write(self.model))
        return answer

    def get_form(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        form = super().get_form(request, *args, **kwargs)
        refused = getattr(request, "refused", None)
        return type(form.__name__, (_Refused, form), {"refused": refused}) if refused else form

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: Any = None
    ) -> HttpResponse:
        try:
            answer: HttpResponse = super().delete_view(request, object_id, extra_context)
            return answer
        except DomainError as refused:
            messages.error(request, refused.detail)
            page = f"admin:{self.opts.app_label}_{self.opts.model_name}_change"
            return redirect(reverse(page, args=[object_id]))

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        return {
            name: (_refusable(self.running(name, run)), name, text)
            for name, (run, _name, text) in super().get_actions(request).items()
        }

    def running(self, name: str, run: Run) -> Run:
        """The action with what belongs to it; what it refuses goes through all of that first."""
        # Deleted and told together or not at all.
        return transaction.atomic(run) if name == DELETES else run


def _refusable(run: Run) -> Run:
    """What another row's service committed before stays done."""

    @wraps(run)
    def action(
        admin: ModelAdmin, request: HttpRequest, queryset: models.QuerySet[Any]
    ) -> HttpResponse | None:
        try:
            return run(admin, request, queryset)  # type: ignore[no-any-return]
        except DomainError as refused:
            messages.error(request, refused.detail)
            return None

    return action
