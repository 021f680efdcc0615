from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET

from controlplane.approvals.models import Approval
from controlplane.portal.doors import member_page


@require_GET
@member_page
def home(request: HttpRequest) -> HttpResponse:
    """To what waits for a person; where nothing does, to what runs."""
    waits = Approval.objects.pending().exists()
    return redirect("approvals:list" if waits else "installations:list")
