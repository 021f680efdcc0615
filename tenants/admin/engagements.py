"""Who works for a tenant, and the matrix of who owns which part of its work."""

import uuid
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldBooleanSwitchWidget

from controlplane.core.admin import ReadOnlyInline, SharedModelAdmin, actor_of
from controlplane.core.errors import DomainError
from controlplane.core.forms import tell
from tenants.admin.inlines import register_inline
from tenants.engagements import (
    change_ownership,
    end_engagement,
    engage_partner,
    hand_over_lead,
)
from tenants.models import Engagement, Ownership, Tenant

NOBODY = ""
LEAD = "lead"
STANDING = (Tenant.Status.ACTIVE, Tenant.Status.SUSPENDED)
"""Whoever works for one that is suspended may be the reason that it is."""


class EngageForm(forms.ModelForm):
    """A partner that is engaged nowhere yet in this tenant, and what it owns from the start."""

    owns = forms.MultipleChoiceField(
        choices=Ownership.Area.choices,
        required=False,
        label=_("Owns"),
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=_("An area is taken from the partner that owned it."),
    )
    is_lead = forms.BooleanField(
        required=False,
        label=_("Leads"),
        widget=UnfoldBooleanSwitchWidget,
        help_text=_("Its brand is shown; the partner that led so far stays engaged."),
    )

    class Meta:
        model = Engagement
        fields = ["tenant", "partner"]

    def clean_tenant(self) -> Tenant:
        tenant: Tenant = self.cleaned_data["tenant"]
        if tenant.is_sandbox:
            raise ValidationError(
                _("Choose %(production)s instead: its sandbox follows it."),
                params={"production": tenant.customer},
            )
        if tenant.status not in STANDING:
            raise ValidationError(
                _("Choose a tenant that is active or suspended: this one is being made, or leaves.")
            )
        return tenant


class MatrixForm(forms.Form):
    """For each area, and for the lead, which engagement has it."""

    def __init__(self, *args: Any, engagements: list[Engagement], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.engagements = {str(each.pk): each for each in engagements}
        names = [(str(each.pk), each.partner.name) for each in engagements]
        for area, label in Ownership.Area.choices:
            self.fields[area] = forms.ChoiceField(
                choices=[*names, (NOBODY, _("Nobody"))],
                required=False,
                label=label,
                widget=forms.RadioSelect,
            )
        self.fields[LEAD] = forms.ChoiceField(
            choices=names, label=_("Leads, and is the brand"), widget=forms.RadioSelect
        )

    @property
    def owners(self) -> dict[str, Engagement | None]:
        return {
            area: self.engagements.get(self.cleaned_data[area]) for area in Ownership.Area.values
        }

    @property
    def lead(self) -> Engagement:
        return self.engagements[self.cleaned_data[LEAD]]


@admin.register(Engagement)
class EngagementAdmin(SharedModelAdmin):
    form = EngageForm
    list_display = ["partner", "tenant", "is_lead", "areas", "matrix"]
    list_filter = [("partner", AutocompleteSelectFilter), "is_lead"]
    list_filter_submit = True
    list_select_related = ["partner", "tenant"]
    search_fields = ["partner__name", "tenant__name"]
    autocomplete_fields = ["partner", "tenant"]
    fields = ["tenant", "partner", "owns", "is_lead"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Engagement]:
        return super().get_queryset(request).prefetch_related("ownerships")

    def get_urls(self) -> list[Any]:
        page = self.own_page(self.edit_matrix)
        return [
            path("of/<uuid:tenant_id>/", page, name="tenants_engagement_matrix"),
            *super().get_urls(),
        ]

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Ending takes access away, so each is confirmed by itself."""
        actions: dict[str, Any] = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """The lead is handed over first."""
        is_lead = obj is not None and obj.is_lead
        return super().has_delete_permission(request, obj) and not is_lead

    @display(description=_("Owns"))
    def areas(self, engagement: Engagement) -> str:
        return ", ".join(str(each.get_area_display()) for each in engagement.ownerships.all())

    @display(description=_("Ownership"))
    def matrix(self, engagement: Engagement) -> str:
        return format_html(
            '<a href="{}">{}</a>', matrix_address(engagement.tenant_id), _("Who owns what")
        )

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """What an engagement is, is said for all of a tenant's at once."""
        engagement = self.get_object(request, object_id)
        if engagement is None:
            return super().change_view(request, object_id, form_url, extra_context)
        return redirect(matrix_address(engagement.tenant_id))

    def save_model(self, request: HttpRequest, obj: Engagement, form: Any, change: bool) -> None:
        engaged = engage_partner(
            partner=obj.partner,
            tenant=obj.tenant,
            owns=form.cleaned_data["owns"],
            is_lead=form.cleaned_data["is_lead"],
            by=actor_of(request),
        )
        obj.pk = engaged.pk
        obj.refresh_from_db()

    def delete_model(self, request: HttpRequest, obj: Engagement) -> None:
        end_engagement(engagement=obj, by=actor_of(request))

    def edit_matrix(self, request: HttpRequest, tenant_id: uuid.UUID) -> HttpResponse:
        """One radio for each area: partners beside one another, and nobody."""
        tenant = get_object_or_404(Tenant, pk=tenant_id, status__in=STANDING)
        if tenant.is_sandbox:
            # Who works for it is said at its production.
            return redirect(matrix_address(tenant.customer_id))
        engagements = list(
            Engagement.objects.filter(tenant=tenant)
            .select_related("partner", "tenant")
            .order_by("-is_lead", "created_at")
        )
        form = MatrixForm(
            request.POST or None, engagements=engagements, initial=_present(engagements)
        )
        if request.method == "POST" and form.is_valid():
            by = actor_of(request)
            try:
                with transaction.atomic():
                    change_ownership(tenant=tenant, owners=form.owners, by=by)
                    hand_over_lead(engagement=form.lead, by=by)
            except DomainError as refused:
                tell(form, refused)
            else:
                messages.success(request, _("Saved, and recorded in the tenant's audit trail."))
                return redirect(matrix_address(tenant.pk))
        context = {
            **self.admin_site.each_context(request),
            "title": _("Who works for %(tenant)s") % {"tenant": tenant},
            "opts": self.opts,
            "tenant": tenant,
            "engagements": engagements,
            "form": form,
        }
        return TemplateResponse(request, "admin/tenants/engagement/matrix.html", context)


class EngagementInline(ReadOnlyInline):
    """On the tenant's page: who is engaged, with the way to the matrix."""

    model = Engagement
    fields = ["partner", "is_lead", "owned"]
    readonly_fields = ["owned"]
    verbose_name_plural = _("Partners")

    @display(description=_("Owns"))
    def owned(self, engagement: Engagement) -> str:
        areas = [str(each.get_area_display()) for each in engagement.ownerships.all()]
        return format_html(
            '{} (<a href="{}">{}</a>)',
            ", ".join(areas) or "–",
            matrix_address(engagement.tenant_id),
            _("change"),
        )

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("ownerships")


register_inline(EngagementInline)


def matrix_address(tenant_id: uuid.UUID) -> str:
    return reverse("admin:tenants_engagement_matrix", args=[tenant_id])


def _present(engagements: list[Engagement]) -> dict[str, str]:
    ownerships = Ownership.objects.filter(engagement__in=engagements)
    lead = next((str(each.pk) for each in engagements if each.is_lead), NOBODY)
    return {
        **dict.fromkeys(Ownership.Area.values, NOBODY),
        **{each.area: str(each.engagement_id) for each in ownerships},
        LEAD: lead,
    }
