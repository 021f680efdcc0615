"""Who has which role where."""

from django.contrib import admin

from tenants.admin.places import ChoosesLanguageAndZone
from tenants.models import Member


@admin.register(Member)
class MemberAdmin(ChoosesLanguageAndZone):
    list_display = ["user", "role", "partner", "tenant"]
    list_filter = ["role", "partner"]
    list_select_related = ["user", "partner", "tenant"]
    search_fields = ["user__username", "user__email", "tenant__name", "partner__name"]
    autocomplete_fields = ["user", "partner", "tenant"]
