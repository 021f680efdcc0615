"""The form for a new tenant."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget

from tenants.models import Partner, Tenant
from tenants.provisioning.names import LONGEST_SLUG, SlugRefused, check_slug


class TenantAddForm(forms.ModelForm):
    """A new tenant needs the partner that leads it; the rest follows by provisioning."""

    partner = forms.ModelChoiceField(
        Partner.objects.all(),
        label=_("Leading partner"),
        widget=UnfoldAdminSelectWidget,
        help_text=_("Its brand is what the tenant sees."),
    )

    class Meta:
        model = Tenant
        fields = ["name", "slug", "language", "time_zone", "region"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        slug = self.fields["slug"]
        slug.help_text = _(
            "The first part of its address, such as hafen: up to %(longest)d lower-case letters, "
            "digits and hyphens. It cannot be changed later."
        ) % {"longest": LONGEST_SLUG}
        slug.widget.attrs["maxlength"] = LONGEST_SLUG
        # `check_slug` is stricter than the column, and says all that they would.
        slug.validators = []

    def clean_slug(self) -> str:
        slug: str = self.cleaned_data["slug"]
        try:
            check_slug(slug)
        except SlugRefused as refused:
            raise ValidationError(refused.detail) from refused
        if Tenant.objects.filter(slug=slug).exists():
            raise ValidationError(
                _("There is a tenant “%(slug)s” already. Choose another name."),
                params={"slug": slug},
            )
        return slug
