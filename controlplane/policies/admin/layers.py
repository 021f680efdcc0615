"""Rules for many tenants in the platform's admin: a draft in fields, and the way of its versions.

Saving keeps the draft; *hand in* freezes it. Versions are simulated, approved, published,
withdrawn, retired and brought back from their list, each with a note why.
"""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.decorators import display
from unfold.forms import ActionForm
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from controlplane.core.actor import Actor
from controlplane.core.admin import ReadOnlySharedModelAdmin, SharedModelAdmin, actor_of
from controlplane.core.errors import DomainError
from controlplane.policies.admin.completing import CompletedInline, CompletesNames
from controlplane.policies.admin.tenant import ExampleForm, RuleForm, RuleFormSet
from controlplane.policies.contexts import context_names
from controlplane.policies.models import (
    LayerExample,
    LayerPolicy,
    LayerRule,
    LayerSimulation,
    LayerVersion,
)
from controlplane.policies.services import (
    approve_layer,
    note_layer_edit,
    publish_layer_version,
    retire_layer,
    roll_back_layer,
    start_layer_simulation,
    submit_layer,
    withdraw_layer,
)


class LayerRuleForm(RuleForm):
    class Meta(RuleForm.Meta):
        model: type[Model] = LayerRule


class LayerExampleForm(ExampleForm):
    class Meta(ExampleForm.Meta):
        model: type[Model] = LayerExample


class LayerRuleInline(CompletedInline, TabularInline):
    model = LayerRule
    form = LayerRuleForm
    formset = RuleFormSet
    extra = 0
    ordering = ["position", "code"]
    verbose_name = _("rule")
    verbose_name_plural = _("rules")


class LayerExampleInline(TabularInline):
    model = LayerExample
    form = LayerExampleForm
    extra = 0
    ordering = ["position", "name"]
    verbose_name = _("example")
    verbose_name_plural = _("examples: cases that the rules must go on answering so")


class LayerPolicyForm(forms.ModelForm):  # type: ignore[type-arg]
    hand_in = forms.BooleanField(
        label=_("Hand in"),
        required=False,
        widget=UnfoldBooleanSwitchWidget(),
        help_text=_("Try rules and examples, and freeze them as a version for review."),
    )
    note = forms.CharField(
        label=_("Why"),
        required=False,
        max_length=500,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
    )

    class Meta:
        model = LayerPolicy
        fields = ["layer", "partner", "context", "slug", "title", "is_active"]

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if data.get("hand_in") and not data.get("note", "").strip():
            self.add_error("note", _("Say why: who approves it has nothing else."))
        layer, partner = data.get("layer"), data.get("partner")
        if layer == "partner" and partner is None:
            self.add_error("partner", _("Choose whose tenants these rules bind."))
        if layer == "platform" and partner is not None:
            self.add_error("partner", _("Rules of the platform bind every tenant: choose nobody."))
        return data


@admin.register(LayerPolicy)
class LayerPolicyAdmin(CompletesNames, SharedModelAdmin):
    form = LayerPolicyForm
    inlines = [LayerRuleInline, LayerExampleInline]
    list_display = ["title", "layer", "partner", "context", "is_active", "in_force", "updated_at"]
    list_filter = ["layer", "context", "is_active"]
    list_select_related = ["partner"]
    search_fields = ["title", "slug"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[LayerPolicy]:
        found: QuerySet[LayerPolicy] = super().get_queryset(request)
        return found.prefetch_related("versions")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        # What it is about stays: its versions were tried on that context.
        return ["layer", "partner", "context", "slug"] if obj else []

    def get_prepopulated_fields(self, request: HttpRequest, obj: Any = None) -> dict[str, Any]:
        return {} if obj else {"slug": ["title"]}

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "context":
            kwargs["widget"] = UnfoldAdminSelectWidget(choices=[(n, n) for n in context_names()])
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    @admin.display(description=_("In force"))
    def in_force(self, policy: LayerPolicy) -> str:
        live = [v.number for v in policy.versions.all() if v.pk == policy.live_version]
        return f"v{live[0]}" if live else "–"

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        policy, by = form.instance, actor_of(request)
        if any(formset.has_changed() for formset in formsets):
            note_layer_edit(policy, by=by)
        if not form.cleaned_data["hand_in"]:
            self.message_user(request, _("The draft is kept. It binds nobody before a version of "
                                         "it is published."))  # fmt: skip
            return
        try:
            version = submit_layer(policy=policy, note=form.cleaned_data["note"], by=by)
        except DomainError as error:
            told = _("Saved as a draft, and not handed in: %(why)s") % {"why": error.detail}
            self.message_user(request, told, messages.WARNING)
        else:
            reviewed = _("Version %(n)s is in review; go on in the list of versions.")
            self.message_user(request, reviewed % {"n": version.number})

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # decisions refer to its versions; it can be made inactive


class NoteActionForm(ActionForm):
    note = forms.CharField(
        label="",
        required=False,
        max_length=500,
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": _("Why")}),
    )


Step = Callable[..., Any]


def _simulated(*, version: LayerVersion, note: str, by: Actor) -> None:
    start_layer_simulation(policy=version.policy, version=version, by=by)


def _published_alone(*, version: LayerVersion, note: str, by: Actor) -> None:
    publish_layer_version(version=version, note=note, alone=True, by=by)


def _rolled_back(*, version: LayerVersion, note: str, by: Actor) -> None:
    roll_back_layer(policy=version.policy, number=version.number, note=note, by=by)


@admin.register(LayerVersion)
class LayerVersionAdmin(ReadOnlySharedModelAdmin):
    list_display = ["__str__", "layer", "status_label", "last_step", "created_at"]
    list_filter = ["status", "policy"]
    list_select_related = ["policy", "policy__partner"]
    fields = ["policy", "number", "status", "shown_rules", "shown_examples", "way"]
    readonly_fields = fields
    action_form = NoteActionForm
    actions = [
        "simulate", "approve", "publish", "publish_alone", "withdraw", "retire", "roll_back",
    ]  # fmt: skip

    @display(
        description=_("Status"),
        ordering="status",
        label={"published": "success", "review": "warning", "approved": "info"},
    )
    def status_label(self, version: LayerVersion) -> tuple[str, str]:
        return version.status, version.get_status_display()

    @admin.display(description=_("Layer"))
    def layer(self, version: LayerVersion) -> str:
        return str(version.policy.partner or version.policy.get_layer_display())

    @admin.display(description=_("Last step by"))
    def last_step(self, version: LayerVersion) -> str:
        return version.steps[-1]["by"] if version.steps else ""

    @admin.display(description=_("Rules"))
    def shown_rules(self, version: LayerVersion) -> SafeString:
        return format_html_join(
            "", "<p><strong>{}</strong> ({}): <code>{}</code><br>{}</p>",
            ((r["code"], r["verdict"], r["expression"], r["message"]) for r in version.rules),
        )  # fmt: skip

    @admin.display(description=_("Examples"))
    def shown_examples(self, version: LayerVersion) -> SafeString:
        return format_html_join(
            "", "<p><strong>{}</strong>: {} {}<br><code>{}</code></p>",
            ((e["name"], e["verdict"], ", ".join(e["codes"]), e["facts"])
             for e in version.examples or []),
        )  # fmt: skip

    @admin.display(description=_("Its way"))
    def way(self, version: LayerVersion) -> SafeString:
        return format_html_join(
            "", "<p>{}: <strong>{}</strong>, {}<br>{}</p>",
            ((s["at"][:16].replace("T", " "), s["status"], s["by"], s["note"])
             for s in version.steps),
        )  # fmt: skip

    @admin.action(description=_("Simulate over the last 30 days of every tenant that it binds"))
    def simulate(
        self, request: HttpRequest, queryset: QuerySet[LayerVersion]
    ) -> HttpResponse | None:
        self._take(request, queryset, _simulated, _("%(what)s is being simulated."))
        run = LayerSimulation.objects.filter(version__in=queryset).order_by("-created_at").first()
        return redirect("admin:policies_layersimulation_change", run.pk) if run else None

    @admin.action(description=_("Approve"))
    def approve(self, request: HttpRequest, queryset: QuerySet[LayerVersion]) -> None:
        self._take(request, queryset, approve_layer, _("%(what)s is approved."))

    @admin.action(description=_("Publish: it binds within seconds"))
    def publish(self, request: HttpRequest, queryset: QuerySet[LayerVersion]) -> None:
        self._take(request, queryset, publish_layer_version, _("%(what)s is in force."))

    @admin.action(description=_("Withdraw: retire what was never published"))
    def withdraw(self, request: HttpRequest, queryset: QuerySet[LayerVersion]) -> None:
        self._take(request, queryset, withdraw_layer, _("%(what)s is withdrawn."))

    @admin.action(description=_("Publish alone: nobody else may approve, and the note is why"))
    def publish_alone(self, request: HttpRequest, queryset: QuerySet[LayerVersion]) -> None:
        self._take(request, queryset, _published_alone, _("%(what)s is in force."))

    @admin.action(description=_("Retire: it binds nobody any more, at once"))
    def retire(self, request: HttpRequest, queryset: QuerySet[LayerVersion]) -> None:
        self._take(request, queryset, retire_layer, _("%(what)s is retired."))

    @admin.action(description=_("Roll back to it: what bound before binds again, at once"))
    def roll_back(self, request: HttpRequest, queryset: QuerySet[LayerVersion]) -> None:
        self._take(request, queryset, _rolled_back, _("The rules of %(what)s are in force."))

    def _take(
        self, request: HttpRequest, queryset: QuerySet[LayerVersion], step: Step, told: Any
    ) -> None:
        by: Actor = actor_of(request)
        for version in queryset:
            try:
                step(version=version, note=request.POST.get("note", "")[:500], by=by)
            except DomainError as error:
                self.message_user(request, f"{version}: {error.detail}", messages.ERROR)
            else:
                self.message_user(request, told % {"what": version})
