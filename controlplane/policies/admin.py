"""Policies in a tenant's admin, and rules for many tenants in the platform's.

Saving a tenant's policy publishes it, so a rule is checked before it is saved. Where the
publication is refused, as past the threshold of flips, the draft is kept and the reason told.
"""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.forms.models import BaseInlineFormSet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget

from controlplane.core.admin import (
    ReadOnlyInline,
    ReadOnlySharedModelAdmin,
    ReadOnlyTenantModelAdmin,
    SharedModelAdmin,
    TenantModelAdmin,
    actor_of,
)
from controlplane.core.errors import DomainError
from controlplane.policies.contexts import context_names
from controlplane.policies.models import (
    Decision,
    DecisionEntry,
    LayerPolicy,
    LayerVersion,
    Policy,
    PolicyVersion,
    Rule,
    SimulationRun,
    VersionStep,
)
from controlplane.policies.services import (
    assert_affordable,
    check_rule,
    check_rules,
    note_edit,
    publish_layer,
    publish_policy,
)


class RuleForm(forms.ModelForm):  # type: ignore[type-arg]
    """Shows the engine's complaint at the field it is about."""

    class Meta:
        model = Rule
        fields = ["position", "code", "expression", "verdict", "message", "enabled"]
        widgets = {
            "expression": UnfoldAdminTextareaWidget(attrs={"rows": 3, "spellcheck": "false"}),
            "message": UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        }

    cost = 0.0

    def check_in(self, context: str) -> None:
        data = self.cleaned_data
        if not data.get("enabled") or not {"expression", "message"} <= data.keys():
            return
        try:
            self.cost = check_rule(
                context=context, expression=data["expression"], message=data["message"]
            )
        except DomainError as error:
            for fault in error.errors:
                field = fault.field if fault.field in self.fields else None
                self.add_error(field, fault.message)
            if not error.errors:
                self.add_error("expression", error.detail)


class RuleFormSet(BaseInlineFormSet):  # type: ignore[type-arg]
    def clean(self) -> None:
        super().clean()
        rules = (form for form in self.forms if isinstance(form, RuleForm))
        kept = [form for form in rules if form not in self.deleted_forms]
        for form in kept:
            form.check_in(self.instance.context)
        try:
            assert_affordable(form.cost for form in kept)
        except DomainError as error:
            raise forms.ValidationError(error.detail) from error


class RuleInline(TabularInline):
    model = Rule
    form = RuleForm
    formset = RuleFormSet
    extra = 0
    ordering = ["position", "code"]


@admin.register(Policy)
class PolicyAdmin(TenantModelAdmin):
    fields = ["title", "slug", "context", "is_active"]
    list_display = ["title", "context", "is_active", "version", "updated_at"]
    list_filter = ["context", "is_active"]
    search_fields = ["title", "slug"]
    inlines = [RuleInline]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["slug", "context"] if obj else []

    def get_prepopulated_fields(self, request: HttpRequest, obj: Any = None) -> dict[str, Any]:
        return {} if obj else {"slug": ["title"]}

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "context":
            kwargs["widget"] = UnfoldAdminSelectWidget(choices=[(n, n) for n in context_names()])
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    @admin.display(description=_("Published"))
    def version(self, policy: Policy) -> str:
        live = policy.live()
        return f"v{live.number}" if live else "–"

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        by = actor_of(request)
        note_edit(form.instance, note=str(_("Changed in the admin.")), by=by)
        try:
            version = publish_policy(policy=form.instance, by=by)
        except DomainError as error:
            told = _("Saved as a draft, and not published: %(why)s") % {"why": error.detail}
            self.message_user(request, told, messages.WARNING)
        else:
            self.message_user(request, _("Version %(n)s is in force.") % {"n": version.number})

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # decisions refer to its versions; it can be made inactive


class VersionStepInline(ReadOnlyInline):
    model = VersionStep
    fields = ["status", "note", "by", "at"]
    readonly_fields = fields


@admin.register(PolicyVersion)
class PolicyVersionAdmin(ReadOnlyTenantModelAdmin):
    list_display = ["policy", "number", "status", "published_at", "published_by"]
    inlines = [VersionStepInline]
    list_filter = ["policy"]
    list_select_related = ["policy"]

    @admin.display(description=_("Status"))
    def status(self, version: PolicyVersion) -> str:
        return version.current_status()


@admin.register(SimulationRun)
class SimulationRunAdmin(ReadOnlyTenantModelAdmin):
    list_display = ["created_at", "policy", "status", "done", "flips", "approvals", "asked_by"]
    list_filter = ["status", "policy"]
    list_select_related = ["policy"]


class DecisionEntryInline(ReadOnlyInline):
    model = DecisionEntry
    fields = ["kind", "value", "why", "by", "at"]
    readonly_fields = fields


@admin.register(Decision)
class DecisionAdmin(ReadOnlyTenantModelAdmin):
    inlines = [DecisionEntryInline]
    list_display = ["decided_at", "verdict", "subject_type", "subject_id", "codes"]
    list_filter = ["verdict", "context"]
    search_fields = ["=subject_id", "=event_id"]

    @admin.display(description=_("Reasons"))
    def codes(self, decision: Decision) -> str:
        return ", ".join(reason["code"] for reason in decision.reasons)


class LayerPolicyForm(forms.ModelForm):  # type: ignore[type-arg]
    """Rules as JSON: a list of objects with code, verdict, expression and message."""

    class Meta:
        model = LayerPolicy
        fields = ["layer", "partner", "context", "slug", "title", "is_active", "rules"]

    def clean_rules(self) -> list[dict[str, str]]:
        wanted = {"code", "verdict", "expression", "message"}
        rules = self.cleaned_data["rules"] or []
        if not isinstance(rules, list) or any(
            not isinstance(rule, dict)
            or set(rule) != wanted
            or not all(isinstance(value, str) for value in rule.values())
            or rule["verdict"] not in {"hold", "reject"}
            for rule in rules
        ):
            raise forms.ValidationError(
                _("Write a list of objects with the texts code, verdict (hold or reject), "
                  "expression and message.")
            )  # fmt: skip
        return rules

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if {"rules", "context"} <= data.keys():
            try:
                check_rules(data["rules"], context=data["context"])
            except DomainError as error:
                self.add_error("rules", error.detail)
        return data


@admin.register(LayerPolicy)
class LayerPolicyAdmin(SharedModelAdmin):
    """Saving publishes: every tenant that it binds follows within seconds."""

    form = LayerPolicyForm
    list_display = ["title", "layer", "partner", "context", "is_active", "updated_at"]
    list_filter = ["layer", "context", "is_active"]
    list_select_related = ["partner"]
    search_fields = ["title", "slug"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["layer", "partner", "slug"] if obj else []

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        version = publish_layer(
            policy=form.instance, note=str(_("Changed in the admin.")), by=actor_of(request)
        )
        self.message_user(request, _("Version %(n)s is in force.") % {"n": version.number})

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # decisions refer to its versions; it can be made inactive


@admin.register(LayerVersion)
class LayerVersionAdmin(ReadOnlySharedModelAdmin):
    list_display = ["policy", "number", "status", "created_at"]
    list_filter = ["policy", "status"]
    list_select_related = ["policy"]
