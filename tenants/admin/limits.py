"""What a tenant may use where its plan does not say it."""

from unfold.admin import TabularInline

from tenants.admin.inlines import register_inline
from tenants.models import Quota


class QuotaInline(TabularInline):
    model = Quota
    extra = 0


register_inline(QuotaInline)
