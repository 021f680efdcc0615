"""The catalog of templates, and cloning one into the tenant's n8n."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.views.decorators.http import require_GET, require_http_methods

from controlplane.catalog import services
from controlplane.catalog.models import Installation, Release, Template
from controlplane.catalog.parameters import ParametersInvalid
from controlplane.catalog.trying import rehearsing
from controlplane.portal import lists
from controlplane.portal.doors import member_page, requires
from controlplane.portal.forms.errors import mark
from controlplane.portal.forms.parameters import PREFIX, ParameterForm
from controlplane.portal.markdown import rendered
from controlplane.portal.pictures import picture
from tenants.context import outside
from tenants.members import actor_of
from tenants.models import Partner
from tenants.partner_seats import partners_with
from tenants.permissions import PartnerPermission, Permission

MOST_NEWS = 5


@require_GET
@member_page
def index(request: HttpRequest) -> HttpResponse:
    partners = _drafts_of(request)
    shown = lists.listing(
        request,
        Template.objects.offered(drafts_of=partners).prefetch_related("releases"),
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
        "releases": {each.pk: each.newest(drafts_of=partners) for each in shown.page.object_list},
    }
    return lists.page_or_part(
        request, "portal/templates/list.html", "portal/templates/_tiles.html", context
    )


@require_GET
@member_page
def detail(request: HttpRequest, slug: str) -> HttpResponse:
    """What it does, how it looks, what it needs, and the cases that show it."""
    template, release = _offered(request, slug)
    context = {
        "section": "templates",
        "template": template,
        "release": release,
        "terms": release.terms,
        "readme": rendered(release.readme),
        "picture": picture(release.workflow),
        "news": template.told_of(up_to=release)[:MOST_NEWS],
        "present": Installation.objects.present().filter(template_slug=slug).first(),
    }
    return TemplateResponse(request, "portal/templates/detail.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
@requires(Permission.INSTALLATIONS)
def clone(request: HttpRequest, slug: str) -> HttpResponse:
    template, release = _offered(request, slug)
    form = ParameterForm(
        release.terms.parameters, request.POST if request.method == "POST" else None
    )
    by = actor_of(request.member)
    tried, refused = None, ""
    if request.method == "POST" and form.is_valid():
        try:
            if "try" not in request.POST:
                installation = services.install(
                    release_id=release.pk, parameters=form.values, by=by
                )
                return redirect("installations:detail", installation.pk)
            rehearsing.rehearse(release=release, parameters=form.values, by=by)
            tried = rehearsing.rehearsed(slug)
        except ParametersInvalid as error:
            mark(form, error, prefix=PREFIX)
        except (rehearsing.NoSandbox, rehearsing.OtherReleaseThere) as error:
            refused = error.detail
    context = {
        "section": "templates",
        "template": template,
        "release": release,
        "form": form,
        "present": Installation.objects.present().filter(template_slug=slug).first(),
        "sandbox": rehearsing.sandbox_of(request.tenant),
        "tried": tried,
        "refused": refused,
    }
    status = 422 if form.errors else 409 if refused else 200
    return TemplateResponse(request, "portal/templates/clone.html", context, status=status)


@require_GET
@member_page
@requires(Permission.INSTALLATIONS)
def rehearsal(request: HttpRequest, slug: str) -> HttpResponse:
    """How far the dry run in the sandbox is; the page asks until it is over."""
    context = {
        "tried": rehearsing.rehearsed(slug),
        "slug": slug,
        "sandbox": rehearsing.sandbox_of(request.tenant),
    }
    return TemplateResponse(request, "portal/templates/_rehearsal.html", context)


def _offered(request: HttpRequest, slug: str) -> tuple[Template, Release]:
    """A template, and the release of it that is cloned here. Raises Http404."""
    template = Template.objects.filter(slug=slug).first()
    release = template.newest(drafts_of=_drafts_of(request)) if template else None
    if template is None or release is None:
        raise Http404
    return template, release


def _drafts_of(request: HttpRequest) -> list[Partner]:
    """Whose drafts the person may clone here: in a sandbox, those that it may release."""
    if not request.tenant.is_sandbox:
        return []
    with outside():
        return partners_with(request, PartnerPermission.RELEASE)
