"""The catalog of templates, and cloning one into the tenant's n8n."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from controlplane.catalog import services
from controlplane.catalog.models import Installation, Template
from controlplane.catalog.parameters import ParametersInvalid
from controlplane.portal import lists
from controlplane.portal.doors import member_page, requires
from controlplane.portal.forms.errors import mark
from controlplane.portal.forms.parameters import PREFIX, ParameterForm
from controlplane.portal.markdown import rendered
from controlplane.portal.pictures import picture
from tenants.context import outside
from tenants.members import actor_of
from tenants.models import Tenant
from tenants.permissions import Permission


@require_GET
@member_page
def index(request: HttpRequest) -> HttpResponse:
    shown = lists.listing(
        request,
        Template.objects.offered().prefetch_related("releases"),
        search_in=["title", "summary", "slug"],
        sorts={"title": "title"},
        default_sort="title",
        per_page=12,
    )
    present = Installation.objects.present().values_list("template_slug", "pk")
    context = {
        "section": "templates",
        "listing": shown,
        "list_id": "templates",
        "installed": dict(present),
    }
    return lists.page_or_part(
        request, "portal/templates/list.html", "portal/templates/_tiles.html", context
    )


@require_GET
@member_page
def detail(request: HttpRequest, slug: str) -> HttpResponse:
    """What it does, how it looks, what it needs, and the cases that show it."""
    template = Template.objects.filter(slug=slug).first()
    release = template.latest if template else None
    if release is None:
        raise Http404
    context = {
        "section": "templates",
        "template": template,
        "release": release,
        "terms": release.terms,
        "readme": rendered(release.readme),
        "picture": picture(release.workflow),
        "present": Installation.objects.present().filter(template_slug=slug).first(),
    }
    return TemplateResponse(request, "portal/templates/detail.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
@requires(Permission.INSTALLATIONS)
def clone(request: HttpRequest, slug: str) -> HttpResponse:
    template = Template.objects.filter(slug=slug).first()
    release = template.latest if template else None
    if release is None:
        raise Http404
    form = ParameterForm(release.terms.parameters, request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            installation = services.install(
                release_id=release.pk, parameters=form.values, by=actor_of(request.member)
            )
        except ParametersInvalid as error:
            mark(form, error, prefix=PREFIX)
        else:
            return redirect("installations:detail", installation.pk)
    context = {
        "section": "templates",
        "template": template,
        "release": release,
        "form": form,
        "present": Installation.objects.present().filter(template_slug=slug).first(),
        "sandbox_url": _in_sandbox(request, slug),
    }
    status = 422 if form.errors else 200
    return TemplateResponse(request, "portal/templates/clone.html", context, status=status)


def _in_sandbox(request: HttpRequest, slug: str) -> str:
    """Where the same is cloned and tried first; empty where there is no sandbox that answers."""
    with outside():
        sandbox = Tenant.objects.active().filter(sandbox_of=request.tenant).first()
        return f"{sandbox.portal_url}{reverse('templates:clone', args=[slug])}" if sandbox else ""
