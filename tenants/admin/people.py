"""People who can log in."""

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from controlplane.core.admin import SharedModelAdmin, actor_of
from tenants.security.recovery import reset_factors

admin.site.unregister(Group)
admin.site.unregister(User)


@admin.register(User)
class PersonAdmin(UserAdmin, SharedModelAdmin):
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ["username", "email", "is_active", "is_superuser", "last_login"]
    actions = ["reset_second_factors"]

    @action(description=_("Reset second factors (of somebody whom you recognised otherwise)"))
    def reset_second_factors(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        for user in queryset:
            if reset_factors(user=user, by=actor_of(request)):
                said = _("%(user)s logs in by password alone now, and sets up new factors.")
                messages.warning(request, said % {"user": user})
