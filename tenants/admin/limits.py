"""What a tenant may use where its plan does not say it."""

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.admin import TabularInline
from unfold.widgets import UnfoldAdminDecimalFieldWidget, UnfoldAdminSelectWidget

from tenants.admin.inlines import register_inline
from tenants.limits.plans import LARGEST, Resource, unit_of
from tenants.models import Quota

SMALLEST = Decimal("0.000001")


class QuotaForm(forms.ModelForm):  # type: ignore[type-arg]
    """In the units that people think in; the row keeps the resource's own."""

    resource = forms.ChoiceField(label=gettext_lazy("Resource"), widget=UnfoldAdminSelectWidget)
    amount = forms.DecimalField(
        label=gettext_lazy("Amount"),
        min_value=0,
        max_digits=18,
        decimal_places=6,
        widget=UnfoldAdminDecimalFieldWidget(attrs={"step": "any"}),
    )

    class Meta:
        model = Quota
        fields = ["resource", "amount"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(each, unit_of(each).label) for each in Resource]
        self.fields["resource"].choices = choices  # type: ignore[attr-defined]
        if self.initial.get("amount") is not None:
            shown = Decimal(self.initial["amount"]) / unit_of(self.initial["resource"]).size
            # Without the noughts behind it, and without an exponent.
            self.initial["amount"] = Decimal(f"{shown.quantize(SMALLEST).normalize():f}")

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if data.get("resource") and data.get("amount") is not None:
            unit = unit_of(data["resource"])
            amount = data["amount"] * unit.size
            if unit.size == 1 and amount != int(amount):
                self.add_error("amount", _("Write a whole number."))
            elif amount > LARGEST:
                self.add_error("amount", _("This is more than can be kept."))
            else:
                data["amount"] = int(amount)
        return data


class QuotaInline(TabularInline):
    model = Quota
    form = QuotaForm
    extra = 0
    hide_title = True


register_inline(QuotaInline)
