"""People who can log in."""

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group, User
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from controlplane.core.admin import SharedModelAdmin

admin.site.unregister(Group)
admin.site.unregister(User)


@admin.register(User)
class PersonAdmin(UserAdmin, SharedModelAdmin):
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ["username", "email", "is_active", "is_superuser", "last_login"]
