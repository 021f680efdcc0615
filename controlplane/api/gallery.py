"""What n8n's editor asks its template gallery, with `N8N_TEMPLATES_HOST` at this address.

The forms are n8n's (`@n8n/rest-api-client`, templates), not ours, so they stand in no schema here.
The browser that shows the editor asks from another origin, and without anybody's log-in.
"""

from base64 import b64encode
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from controlplane.catalog import gallery
from controlplane.catalog.gallery import Shown
from controlplane.catalog.workflow import OURS
from controlplane.core.errors import DomainError

PAGE = 20
FOR_A_MINUTE = "public, max-age=60"
View = Callable[..., HttpResponse]
# The package's icon, which the editor draws without asking for a file.
ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="60" height="60" viewBox="0 0 60 60" '
    'fill="none"><path d="M14 22v32M46 22v32" stroke="#8A5A2B" stroke-width="5" '
    'stroke-linecap="round"/><path d="M5 20h50" stroke="#8A5A2B" stroke-width="5" '
    'stroke-linecap="round"/><path d="M12 9v10M24 9v10M36 9v10M48 9v10" stroke="#B9824A" '
    'stroke-width="5" stroke-linecap="round"/><path d="M17 40c0-9 5-14 14-15 1 9-4 15-14 15Z" '
    'fill="#2F8F5B"/><path d="M44 37c-7 0-11-4-11-11 7-1 12 4 11 11Z" fill="#54B47E"/></svg>'
)
_DRAWN = f"data:image/svg+xml;base64,{b64encode(ICON.encode()).decode()}"
# n8n leaves these out of a card where there are others.
_CORE = {"id": gallery.number_of("Core Nodes"), "name": "Core Nodes"}


def _open_to_editors(view: View) -> View:
    """Every origin may read: there is nothing but what the platform publishes, the same for all.

    The editor sends cookies along, for which a browser wants the origin named. None is read here.
    """

    @csrf_exempt
    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method == "OPTIONS":
            response = HttpResponse(status=204)
        elif request.method not in {"GET", "HEAD"}:
            response = JsonResponse({"message": "Only GET is answered."}, status=405)
        else:
            try:
                response = view(request, *args, **kwargs)
                response["Cache-Control"] = FOR_A_MINUTE
            except DomainError as error:
                response = JsonResponse(
                    {"code": error.code, "message": error.detail}, status=error.status
                )
        response["Access-Control-Allow-Origin"] = request.headers.get("origin", "*")
        response["Access-Control-Allow-Credentials"] = "true"
        response["Vary"] = "Origin"
        response["Access-Control-Allow-Methods"] = "GET, OPTIONS"
        response["Access-Control-Allow-Headers"] = "n8n-version, n8n-instance-id, content-type"
        response["Access-Control-Max-Age"] = "3600"
        return response

    return wrapped


@_open_to_editors
def health(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"status": "OK"})


@_open_to_editors
def categories(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"categories": [_category(name) for name in gallery.category_names()]})


@_open_to_editors
def collections(request: HttpRequest) -> HttpResponse:
    """There are none; the editor asks for them with every search."""
    return JsonResponse({"collections": []})


@_open_to_editors
def search(request: HttpRequest) -> HttpResponse:
    wanted = request.GET.get("category", "")
    total, found = gallery.search(
        text=request.GET.get("search", "")[:200],
        categories=[name for name in wanted.split(",") if name],
        page=_number(request.GET.get("page"), 1),
        limit=_number(request.GET.get("limit") or request.GET.get("rows"), PAGE),
    )
    return JsonResponse(
        {"totalWorkflows": total, "workflows": [_card(one) for one in found], "filters": []}
    )


@_open_to_editors
def template(request: HttpRequest, number: int) -> HttpResponse:
    """The page of one: what it does, and the workflow to look at."""
    one = gallery.get_shown(number)
    workflow = one.workflow
    kinds = [node["type"] for node in workflow["nodes"]]
    return JsonResponse(
        {
            "workflow": {
                **_card(one),
                "description": f"{one.template.summary}\n\n{one.release.readme}",
                "image": [],
                "categories": [_category(name) for name in one.categories],
                "workflowInfo": {
                    "nodeCount": len(kinds),
                    "nodeTypes": {kind: {"count": kinds.count(kind)} for kind in kinds},
                },
                "workflow": _importable(workflow),
            }
        }
    )


@_open_to_editors
def importable(request: HttpRequest, number: int) -> HttpResponse:
    """What “Use for free” puts into the editor."""
    one = gallery.get_shown(number)
    return JsonResponse(
        {"id": one.number, "name": one.template.title, "workflow": _importable(one.workflow)}
    )


def _importable(workflow: dict[str, Any]) -> dict[str, Any]:
    return {key: workflow.get(key) or {} for key in ("nodes", "connections", "settings")}


def _card(one: Shown) -> dict[str, Any]:
    return {
        "id": one.number,
        "name": one.template.title,
        "description": one.template.summary,
        "createdAt": one.release.released_at.isoformat(),
        "totalViews": 0,
        "user": {"username": "Pergola", "name": "Pergola", "verified": True},
        "nodes": [_node(kind) for kind in one.node_types],
    }


def _node(kind: str) -> dict[str, Any]:
    words = "".join(f" {c}" if c.isupper() else c for c in kind.rpartition(".")[2])
    label = words[:1].upper() + words[1:]
    is_ours = kind.startswith(OURS)
    icon = {"icon": "file:pergola.svg", "iconData": {"type": "file", "fileBuffer": _DRAWN}}
    return {
        "id": gallery.number_of(kind),
        "name": kind,
        "displayName": label,
        "defaults": {"name": label},
        "group": [],
        "categories": [] if is_ours else [_CORE],
        **(icon if is_ours else {"icon": ""}),
    }


def _category(name: str) -> dict[str, Any]:
    return {"id": gallery.number_of(name), "name": name}


def _number(given: str | None, otherwise: int) -> int:
    return (
        int(given)
        if given and given.isascii() and given.isdigit() and len(given) < 7
        else (otherwise)
    )
