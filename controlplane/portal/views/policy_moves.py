"""What is published taken out of force, or into it: what it turns over, why, and who said so."""

import uuid
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from controlplane.core.errors import DomainError
from controlplane.policies import services
from controlplane.policies.models import Move, Policy, PublishingTerms
from controlplane.portal.doors import member_page, requires
from controlplane.portal.forms.policies import NoteForm
from tenants.members import actor_of
from tenants.permissions import Permission


def move(which: Move) -> Callable[..., Any]:
    """A page that says what would come of it, and does it once the reason is written."""

    @require_http_methods(["GET", "HEAD", "POST"])
    @member_page
    @requires(Permission.POLICIES)
    def page(request: HttpRequest, policy_id: uuid.UUID) -> HttpResponse:
        policy = services.get_policy(policy_id)
        form = NoteForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                is_done = services.move_policy(
                    policy=policy, move=which, by=actor_of(request.member), **form.cleaned_data
                )
            except DomainError as error:
                form.add_error(None, error.detail)
            else:
                if is_done:
                    messages.success(request, _("Done."))
                else:
                    messages.warning(
                        request, _("It waits: another person has to say so too, on this page.")
                    )
                return redirect("policies:detail", policy.pk)
        return _page(request, policy, which, form)

    return page


retire = move(Move.RETIRE)
switch_off = move(Move.OFF)
switch_on = move(Move.ON)


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
@requires(Permission.POLICIES)
def keep(request: HttpRequest, policy_id: uuid.UUID) -> HttpResponse:
    policy = services.get_policy(policy_id)
    if request.method == "POST":
        services.keep_policy(policy=policy, by=actor_of(request.member))
    return redirect("policies:detail", policy.pk)


def _page(request: HttpRequest, policy: Policy, which: Move, form: NoteForm) -> HttpResponse:
    share = services.share_of_move(policy, which)
    context = {
        "section": "policies",
        "policy": policy,
        "move": which,
        "share": share,
        "is_over": services.is_past_threshold(share),
        "terms": PublishingTerms.current(),
        "is_asked": policy.asked_move == which,
        "form": form,
    }
    status = 422 if form.errors else 200
    return TemplateResponse(request, "portal/policies/move.html", context, status=status)
