"""Policies in a tenant's admin.

Saving a tenant's policy publishes it, so a rule is checked before it is saved. Where the
publication is refused, as past the threshold of flips, the draft is kept and the reason told.
"""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Model, OuterRef, QuerySet, Subquery
from django.forms.models import BaseInlineFormSet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from controlplane.core.admin import (
    ReadOnlyInline,
    ReadOnlyTenantModelAdmin,
    TenantModelAdmin,
    actor_of,
)
from controlplane.core.errors import DomainError
from controlplane.policies.admin.completing import (
    CompletedForms,
    CompletedInline,
    CompletesNames,
)
from controlplane.policies.contexts import context_names
from controlplane.policies.models import (
    Decision,
    DecisionEntry,
    Example,
    Move,
    Policy,
    PolicyVersion,
    Rule,
    SimulationRun,
    VersionStep,
)
from controlplane.policies.services import (
    assert_affordable,
    check_rule,
    move_policy,
    note_edit,
    publish_policy,
)


class RuleForm(forms.ModelForm):  # type: ignore[type-arg]
    """Shows the engine's complaint at the field it is about."""

    class Meta:
        model: type[Model] = Rule
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


class RuleFormSet(CompletedForms, BaseInlineFormSet):  # type: ignore[type-arg]
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


class RuleInline(CompletedInline, TabularInline):
    model = Rule
    form = RuleForm
    formset = RuleFormSet
    extra = 0
    ordering = ["position", "code"]


class ExampleForm(forms.ModelForm):  # type: ignore[type-arg]
    """A case in fields: the facts as JSON, the codes as a line."""

    codes = forms.CharField(
        required=False,
        max_length=1000,
        widget=UnfoldAdminTextInputWidget(),
        help_text=_("With just these codes, separated by commas. Empty: any."),
    )

    class Meta:
        model: type[Model] = Example
        fields = ["position", "name", "facts", "verdict", "codes"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["codes"] = ", ".join(self.initial.get("codes") or [])

    def clean_facts(self) -> dict[str, Any]:
        facts = self.cleaned_data["facts"]
        if facts in (None, ""):
            return {}
        if not isinstance(facts, dict):
            raise forms.ValidationError(_("Write an object: {…}."))
        return facts

    def clean_codes(self) -> list[str]:
        found = {code.strip() for code in self.cleaned_data["codes"].split(",")}
        return sorted(found - {""})


class ExampleInline(TabularInline):
    model = Example
    form = ExampleForm
    extra = 0
    ordering = ["position", "name"]
    verbose_name = _("example")
    verbose_name_plural = _("examples: cases that the rules must go on answering so")


@admin.register(Policy)
class PolicyAdmin(CompletesNames, TenantModelAdmin):
    fields = ["title", "slug", "context", "is_active"]
    list_display = ["title", "context", "is_active", "version", "updated_at"]
    list_filter = ["context", "is_active"]
    search_fields = ["title", "slug"]
    inlines = [RuleInline, ExampleInline]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["slug", "context"] if obj else []

    def get_prepopulated_fields(self, request: HttpRequest, obj: Any = None) -> dict[str, Any]:
        return {} if obj else {"slug": ["title"]}

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "context":
            kwargs["widget"] = UnfoldAdminSelectWidget(choices=[(n, n) for n in context_names()])
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Policy]:
        # Unordered: their own order joins the policies, and hides the row that is asked about.
        live = PolicyVersion.objects.filter(pk=OuterRef("live_version")).order_by()
        found: QuerySet[Policy] = super().get_queryset(request)
        return found.annotate(live_number=Subquery(live.values("number")))

    @admin.display(description=_("Published"))
    def version(self, policy: Policy) -> str:
        number = policy.live_number  # type: ignore[attr-defined]  # `get_queryset` adds it
        return f"v{number}" if number else "–"

    def save_model(self, request: HttpRequest, obj: Policy, form: Any, change: bool) -> None:
        if change:  # switched by `move_policy`, which asks the threshold
            obj.is_active = form.initial["is_active"]
        super().save_model(request, obj, form, change)

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
        if change and "is_active" in form.changed_data:
            self._switch(request, form.instance, is_on=form.cleaned_data["is_active"])

    def _switch(self, request: HttpRequest, policy: Policy, *, is_on: bool) -> None:
        move, note = Move.ON if is_on else Move.OFF, str(_("Changed in the admin."))
        if not move_policy(policy=policy, move=move, note=note, by=actor_of(request)):
            told = _("Not switched: it turns over too much for one person. It waits on its page in "
                     "the portal for a second one.")  # fmt: skip
            self.message_user(request, told, messages.WARNING)

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

    def get_queryset(self, request: HttpRequest) -> QuerySet[PolicyVersion]:
        found: QuerySet[PolicyVersion] = super().get_queryset(request)
        return found.with_status()  # type: ignore[attr-defined, no-any-return]

    @admin.display(description=_("Status"))
    def status(self, version: PolicyVersion) -> str:
        return version.status  # type: ignore[attr-defined, no-any-return]  # `with_status` adds it


@admin.register(SimulationRun)
class SimulationRunAdmin(ReadOnlyTenantModelAdmin):
    list_display = [
        "created_at",
        "policy",
        "title",
        "status",
        "done",
        "flips",
        "approvals",
        "asked_by",
    ]
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
