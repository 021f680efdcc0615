"""Names of fields are offered while a rule is typed in the admin, as in the portal."""

from typing import Any

from django.contrib.admin.options import InlineModelAdmin
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.urls import URLPattern, path, reverse

from controlplane.policies.contexts import ContextUnknown, get_context
from controlplane.policies.contexts_page import described


class CompletesNames:
    """For the ModelAdmin of a kind of policy: the address that the script asks, and the script."""

    class Media:
        js = ("policies/rules.js",)

    def get_urls(self) -> list[URLPattern]:
        fields = path(
            "fields/<slug:name>/",
            self.own_page(self._fields, reads=True),  # type: ignore[attr-defined]
            name=f"{_base_of(self.model)}_fields",  # type: ignore[attr-defined]
        )
        return [fields, *super().get_urls()]  # type: ignore[misc]

    def _fields(self, request: HttpRequest, name: str) -> HttpResponse:
        try:
            return JsonResponse({"fields": described(get_context(name))})
        except ContextUnknown as error:
            raise Http404(error.detail) from error


class CompletedInline(InlineModelAdmin):  # type: ignore[type-arg]
    """The rules below it. A new policy's context is chosen on the page, where the script looks."""

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        formset: Any = super().get_formset(request, obj, **kwargs)
        any_name = reverse(f"admin:{_base_of(self.parent_model)}_fields", args=["x"])
        formset.fields_url = any_name.removesuffix("x/")
        formset.context = obj.context if obj else ""
        return formset


class CompletedForms:
    """For their formset."""

    fields_url = ""
    context = ""

    def add_fields(self, form: Any, index: Any) -> None:
        super().add_fields(form, index)  # type: ignore[misc]
        if not self.fields_url:
            return
        attrs = form.fields["expression"].widget.attrs
        if self.context:
            attrs["data-completes"] = f"{self.fields_url}{self.context}/"
        else:
            attrs["data-completes"] = self.fields_url
            attrs["data-completes-of"] = "id_context"


def _base_of(model: Any) -> str:
    return f"{model._meta.app_label}_{model._meta.model_name}"
