"""Where the tenant's data is, how long it is kept, what the last purge did, and what is used."""

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from controlplane.portal import usage
from controlplane.portal.doors import member_page, requires
from tenants.agreements import agreement_now, agreements_of
from tenants.context import outside
from tenants.models import Tenant
from tenants.permissions import Permission
from tenants.retention.purge import retention_of

# As rules name them, and in words; the admin's labels are in English only.
TAX: dict[str, Promise] = {
    "standard": gettext_lazy("Standard: tax is charged, and what was paid is deducted"),
    "reverse_charge": gettext_lazy("Reverse charge: customers account for the tax"),
    "exempt": gettext_lazy("Exempt: what is sold bears no tax"),
    "small_business": gettext_lazy("Small business: no tax is charged and none deducted"),
}
FULFILMENT: dict[str, Promise] = {
    "own_warehouse": gettext_lazy("From the own warehouse"),
    "drop_ship": gettext_lazy("Drop shipping: suppliers send to the customer"),
    "third_party": gettext_lazy("By a logistics provider"),
    "mixed": gettext_lazy("Mixed"),
}
ASSISTANCE: dict[str, Promise] = {
    "none": gettext_lazy("No language model sees the data"),
    "suggest": gettext_lazy("Models suggest, people decide"),
    "decide": gettext_lazy("Models decide where a rule lets them"),
}


@require_GET
@member_page
@requires(Permission.SETTINGS)
def index(request: HttpRequest) -> HttpResponse:
    with outside():
        kept = retention_of(request.tenant)
        # A sandbox goes by its production's, whose papers are nobody's in the sandbox.
        agreements = [] if request.tenant.is_sandbox else list(agreements_of(request.tenant))
        in_force = agreement_now(request.tenant)
    context = {
        "section": "data",
        "region": request.tenant.region,
        "kept": kept,
        "usage": usage.rows_now(),
        "business": _business(request.tenant),
        "in_force": in_force,
        "agreements": [(each, ASSISTANCE[each.ai_assisted]) for each in agreements],
    }
    return TemplateResponse(request, "portal/data/index.html", context)


def _business(tenant: Tenant) -> list[tuple[str, str | Promise]]:
    """What rules read as `tenant.…`, in words."""
    profile = tenant.profile
    return [
        (_("Currency"), profile.currency),
        (_("Tax"), TAX.get(profile.tax_regime, "")),
        (_("Fulfilment"), FULFILMENT.get(profile.fulfilment, "")),
    ]
