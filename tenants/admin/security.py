"""What was odd about coming in, everywhere; and allauth's own rows, which nobody edits here."""

from allauth.account import admin as _account  # noqa: F401  (registers what is taken away below)
from allauth.account.models import EmailAddress
from allauth.mfa import admin as _mfa  # noqa: F401
from allauth.mfa.models import Authenticator
from allauth.socialaccount import admin as _socialaccount  # noqa: F401
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from allauth.usersessions import admin as _usersessions  # noqa: F401
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import display

from controlplane.core.admin import SharedModelAdmin
from tenants.models import SecurityEvent

for _model in (
    EmailAddress, Authenticator, SocialAccount, SocialApp, SocialToken, UserSession,
):  # fmt: skip
    admin.site.unregister(_model)


@admin.register(SecurityEvent)
class SecurityEventAdmin(SharedModelAdmin):
    list_display = ["sort", "tenant", "user", "key", "network", "count", "first_at", "last_at"]
    list_filter = ["kind", "last_at", ("tenant", AutocompleteSelectFilter)]
    list_filter_submit = True
    list_select_related = ["tenant", "user", "key__tenant"]
    search_fields = ["user__username", "user__email", "key__name", "key__prefix", "network"]

    @display(
        description=_("Kind"),
        ordering="kind",
        label={"foreign_tenant": "danger", "locked_out": "warning", "burst": "warning"},
    )
    def sort(self, event: SecurityEvent) -> tuple[str, str]:
        return event.kind, event.get_kind_display()

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False
