"""Event sources: connecting a shop or another sender, trying it out, and what came in."""

import uuid
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods

from controlplane.core import shown_once
from controlplane.core.errors import DomainError
from controlplane.events import services, shopify, signing
from controlplane.events import sources as lives
from controlplane.events.kinds import KindUnknown, SourceKind, kind_named
from controlplane.events.models import Event, Source
from controlplane.portal import lists
from controlplane.portal.deliveries import fate_of, with_deliveries
from controlplane.portal.doors import member_page, requires
from controlplane.portal.forms.errors import mark
from controlplane.portal.forms.sources import NameForm, OptionsForm, ReplaceSecretForm, SourceForm
from controlplane.portal.templatetags.portal import event_label
from controlplane.portal.trials import trial_of
from tenants.members import actor_of
from tenants.permissions import Permission

# For every kind without a page of its own: signed as Pergola asks for.
SIGNED_SETUP = "portal/sources/setup/signed.html"


@require_GET
@member_page
def index(request: HttpRequest) -> HttpResponse:
    shown = lists.listing(
        request,
        Source.objects.present(),
        search_in=["name", "slug"],
        sorts={"name": "name", "created": "created_at"},
        default_sort="name",
    )
    events = Event.objects.filter(source__in=shown.page.object_list)
    latest = {
        event.source_id: event
        for event in events.order_by("source_id", "-received_at").distinct("source_id")
    }
    context = {
        "section": "sources",
        "listing": shown,
        "list_id": "sources",
        "rows": [(source, latest.get(source.pk)) for source in shown.page.object_list],
    }
    return lists.page_or_part(
        request, "portal/sources/list.html", "portal/sources/_table.html", context
    )


@sensitive_post_parameters("secret")
@require_http_methods(["GET", "HEAD", "POST"])
@member_page
@requires(Permission.SOURCES)
def create(request: HttpRequest) -> HttpResponse:
    form = SourceForm(request.POST or None, initial=_chosen(request))
    if request.method == "POST" and form.is_valid():
        try:
            source, secret = services.create_source(
                **form.cleaned_data, by=actor_of(request.member)
            )
        except (services.SourceExists, KindUnknown) as error:
            mark(form, error)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            return _with_secret(request, source, secret, given=form.cleaned_data["secret"])
    context = {"section": "sources", "form": form}
    status = 422 if form.errors else 200
    return TemplateResponse(request, "portal/sources/create.html", context, status=status)


@require_GET
@member_page
def detail(request: HttpRequest, slug: str) -> HttpResponse:
    source = get_object_or_404(Source, slug=slug)
    if lists.is_partial(request):
        return TemplateResponse(request, "portal/sources/_events.html", _events(request, source))
    context = {
        "form": ReplaceSecretForm(kind=source.kind),
        "new_secret": shown_once.take(request, of=str(source.pk)),
        **_setup(request, source),
        **_events(request, source),
    }
    if tested := _tested(source, request.GET.get("test", "")):
        context |= _fate(tested)
    return TemplateResponse(request, "portal/sources/detail.html", context)


@require_GET
@member_page
def deliveries(request: HttpRequest, slug: str) -> HttpResponse:
    source = get_object_or_404(Source, slug=slug)
    return TemplateResponse(request, "portal/sources/_events.html", _events(request, source))


@sensitive_post_parameters("secret")
@require_http_methods(["GET", "HEAD", "POST"])
@member_page
@requires(Permission.SOURCES)
def replace_secret(request: HttpRequest, slug: str) -> HttpResponse:
    source = get_object_or_404(Source, slug=slug)
    if request.method != "POST":
        return redirect("sources:detail", slug)
    form = ReplaceSecretForm(request.POST, kind=source.kind)
    if not form.is_valid():
        return _not_taken(request, source, form=form)
    given = form.cleaned_data["secret"]
    secret = services.replace_secret(
        source=source,
        secret=given,
        overlap=timedelta(hours=int(form.cleaned_data["overlap"])),
        by=actor_of(request.member),
    )
    return _with_secret(request, source, secret, given=given)


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
@requires(Permission.SOURCES)
def end_previous_secret(request: HttpRequest, slug: str) -> HttpResponse:
    source = get_object_or_404(Source, slug=slug)
    if request.method == "POST":
        services.end_previous_secret(source=source, by=actor_of(request.member))
        messages.success(request, _("The old secret has ended."))
    return redirect("sources:detail", slug)


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
@requires(Permission.SOURCES)
def options(request: HttpRequest, slug: str) -> HttpResponse:
    source = get_object_or_404(Source, slug=slug)
    if request.method != "POST":
        return redirect("sources:detail", slug)
    form = OptionsForm(request.POST, source=source)
    if form.is_valid():
        try:
            services.change_source(
                source=source,
                options=form.given,
                is_ordered=form.cleaned_data["is_ordered"],
                overlap=form.overlap,
                by=actor_of(request.member),
            )
        except (services.OptionInvalid, lives.SourceRemoved) as error:
            mark(form, error)
        else:
            messages.success(request, _("Saved. What comes from now on is read so."))
            return redirect("sources:detail", slug)
    return _not_taken(request, source, options_form=form)


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
@requires(Permission.SOURCES)
def rename(request: HttpRequest, slug: str) -> HttpResponse:
    source = get_object_or_404(Source, slug=slug)
    if request.method != "POST":
        return redirect("sources:detail", slug)
    form = NameForm(request.POST)
    if form.is_valid():
        try:
            lives.rename_source(
                source=source, name=form.cleaned_data["name"], by=actor_of(request.member)
            )
        except DomainError as error:
            mark(form, error)
        else:
            messages.success(request, _("Saved. The address stays as it is."))
            return redirect("sources:detail", slug)
    return _not_taken(request, source, name_form=form)


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
@requires(Permission.SOURCES)
def switch(request: HttpRequest, slug: str) -> HttpResponse:
    source = get_object_or_404(Source, slug=slug)
    # Off only by who has said so: what is sent from then on is refused.
    is_active = request.POST.get("to") == "on"
    if request.method != "POST" or not (is_active or request.POST.get("sure") == "yes"):
        return redirect("sources:detail", slug)
    try:
        lives.switch_source(source=source, is_active=is_active, by=actor_of(request.member))
    except DomainError as error:
        messages.error(request, error.detail)
    else:
        on, off = _("Switched on: it takes events in again."), _("Switched off.")
        messages.success(request, on if is_active else off)
    return redirect("sources:detail", slug)


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
@requires(Permission.SOURCES)
def remove(request: HttpRequest, slug: str) -> HttpResponse:
    source = get_object_or_404(Source, slug=slug)
    if request.method != "POST" or request.POST.get("sure") != "yes":
        return redirect("sources:detail", slug)
    try:
        lives.remove_source(source=source, by=actor_of(request.member))
    except DomainError as error:
        messages.error(request, error.detail)
        return redirect("sources:detail", slug)
    text = _("“%(name)s” was removed, and its secrets with it. What came in is kept.")
    messages.success(request, text % {"name": source.name})
    return redirect("sources:list")


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
@requires(Permission.SOURCES)
def test(request: HttpRequest, slug: str) -> HttpResponse:
    source = get_object_or_404(Source, slug=slug)
    if request.method != "POST":
        return redirect("sources:detail", slug)
    received = services.send_test_event(source=source)
    return redirect(f"{reverse('sources:detail', args=[slug])}?test={received.event.pk}#test")


@require_GET
@member_page
def test_state(request: HttpRequest, slug: str, event_id: uuid.UUID) -> HttpResponse:
    source = get_object_or_404(Source, slug=slug)
    tested = _tested(source, str(event_id))
    if tested is None:
        raise Http404
    context = {"source": source, **_fate(tested)}
    return TemplateResponse(request, "portal/sources/_test.html", context)


def _with_secret(request: HttpRequest, source: Source, secret: str, *, given: str) -> HttpResponse:
    if given:
        messages.success(request, _("The key is saved. It is not shown again."))
    else:
        shown_once.keep(request, of=str(source.pk), secret=secret)
    return redirect("sources:detail", source.slug)


def _chosen(request: HttpRequest) -> dict[str, str]:
    """The kind that a link from another page asks for."""
    return {"kind": request.GET["kind"]} if request.GET.get("kind") else {}


def _not_taken(request: HttpRequest, source: Source, **forms: Any) -> HttpResponse:
    """The page once more, with the form that was sent as it was filled in."""
    context = {
        "form": ReplaceSecretForm(kind=source.kind),
        **_setup(request, source),
        **_events(request, source),
        **forms,
    }
    return TemplateResponse(request, "portal/sources/detail.html", context, status=422)


def _setup(request: HttpRequest, source: Source) -> dict[str, Any]:
    kind = _kind(source)
    takes_in = kind is not None and kind.receive is not None and not source.removed_at
    address = services.intake_url(request.tenant.slug, source)
    return {
        "section": "sources",
        "source": source,
        "kind": kind,
        # Asked here, since a template would call what it names.
        "options_form": OptionsForm(source=source) if takes_in else None,
        "name_form": NameForm(initial={"name": source.name}),
        "previous_until": (
            source.previous_secret_until
            if source.previous_secret_until and source.previous_secret_until > timezone.now()
            else None
        ),
        "takes_in": takes_in,
        "has_sample": kind is not None and kind.sample is not None and source.is_active,
        "setup_page": [f"portal/sources/setup/{source.kind}.html", SIGNED_SETUP],
        "address": address,
        "example": kind.example.format(address=address) if kind else "",
        "shopify": shopify,
        "signing": signing,
        "topics": [
            (topic, event_label(event_type)) for topic, event_type in shopify.TYPES_BY_TOPIC.items()
        ],
    }


def _kind(source: Source) -> SourceKind | None:
    """None for a kind that this Pergola no longer takes in: its events can still be read."""
    try:
        return kind_named(source.kind)
    except KindUnknown:
        return None


def _events(request: HttpRequest, source: Source) -> dict[str, Any]:
    shown = lists.listing(
        request,
        with_deliveries(Event.objects.filter(source=source)),
        search_in=["subject", "type", "external_id", "execution_id"],
        sorts={"received": "received_at", "subject": "subject", "type": "type"},
        default_sort="-received",
    )
    return {
        "source": source,
        "kind": _kind(source),
        "listing": shown,
        "list_id": "deliveries",
        "rows": [(event, fate_of(event)) for event in shown.page.object_list],
    }


def _tested(source: Source, event_id: str) -> Event | None:
    try:
        return source.events.filter(pk=uuid.UUID(event_id), is_test=True).first()
    except ValueError:
        return None


def _fate(event: Event) -> dict[str, Any]:
    """How far the test event came: to n8n, and what came of it to its verdict."""
    fate = fate_of(event)
    trial = trial_of(event)
    is_judged = trial.is_judged if trial else not event.type.startswith("order.")
    return {
        "event": event,
        "fate": fate,
        "trial": trial,
        "is_judged": is_judged,
        "is_polled": fate.is_open or (fate.status == "delivered" and not is_judged),
    }
