"""What was odd about coming in to this tenant, for its managers. The events are shared rows."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from controlplane.portal import lists
from controlplane.portal.doors import member_page, require
from tenants.context import outside
from tenants.models import Member, SecurityEvent
from tenants.permissions import Permission


@require_GET
@member_page
def index(request: HttpRequest) -> HttpResponse:
    require(request, Permission.MEMBERS)
    kinds = [("", ""), *SecurityEvent.Kind.choices]
    kind = lists.chosen(request, "status", [value for value, _label in kinds], default="")
    with outside():
        events = SecurityEvent.objects.filter(tenant=request.tenant)
        shown = lists.listing(
            request,
            (events.filter(kind=kind) if kind else events).select_related("user", "key__tenant"),
            search_in=["user__username", "user__email", "key__name", "key__prefix", "network"],
            sorts={"last": "last_at", "kind": "kind", "count": "count", "network": "network"},
            default_sort="-last",
        )
        rows = [(event, _subject(event, request)) for event in shown.page.object_list]
    context = {
        "section": "security",
        "listing": shown,
        "list_id": "security-events",
        "rows": rows,
        "statuses": kinds,
        "status": kind,
    }
    return lists.page_or_part(
        request, "portal/security/list.html", "portal/security/_table.html", context
    )


def _subject(event: SecurityEvent, request: HttpRequest) -> str:
    """A key or a member by name. Who belongs elsewhere is not named here: that is theirs."""
    if event.key:
        return str(event.key)
    if event.user is None:
        return ""
    is_ours = Member.objects.of_tenant(request.tenant).filter(user=event.user).exists()
    return (event.user.get_full_name() or event.user.get_username()) if is_ours else ""
