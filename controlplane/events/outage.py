"""That a tenant's n8n does not answer: counted, said by one exception, and well again by itself.

Whoever calls n8n for work that must not be lost says here how that went (`circuit`).
"""

import time

import httpx
from django.db import transaction
from django.db.models import Q

from controlplane.core import http
from controlplane.core.actor import system
from controlplane.events import circuit
from controlplane.events.exceptions.opening import open_case, settle
from controlplane.events.measures import N8N_CALLS
from controlplane.events.models import ExceptionCase, Failure
from controlplane.instances.models import Workspace

# What a proxy says of an n8n that is not there.
THERE_IS_NO_N8N = frozenset({502, 503, 504})


def call_workflow(workspace: Workspace, url: str, body: dict[str, str]) -> httpx.Response:
    """POST to an address of the workspace's own (`assert_own_url`), timed, and counted by whether
    n8n answered. Raises httpx.HTTPError."""
    began = time.perf_counter()
    result = "no_answer"
    try:
        with http.client() as client:
            response = client.post(url, json=body)
        if response.status_code not in THERE_IS_NO_N8N:
            result = "answered"
    except httpx.HTTPError:
        note_no_answer(workspace)
        raise
    finally:
        N8N_CALLS.observe(time.perf_counter() - began, workspace.instance_id, result)
    note_answer(workspace, response.status_code)
    return response


def note_no_answer(workspace: Workspace) -> None:
    """Some in a row open the circuit, and the exception that says so."""
    if circuit.note_failure(workspace.instance_id):
        open_case(
            type=Failure.CONNECTION,
            fingerprint=_fingerprint(workspace),
            summary="n8n does not answer: events and answers wait",
            detail=f"{circuit.FAILURES} calls in a row had no answer from {workspace.base_url}.",
            by=system("relay"),
        )


def note_answer(workspace: Workspace, status: int) -> None:
    """n8n answered, unless the status is a proxy's word that it is not there."""
    if status in THERE_IS_NO_N8N:
        note_no_answer(workspace)
    elif circuit.note_success(workspace.instance_id):
        with transaction.atomic():
            settle(
                Q(fingerprint=_fingerprint(workspace)),
                resolution=ExceptionCase.Resolution.SUCCEEDED,
                by=system("relay"),
                text="n8n answers again.",
            )


def _fingerprint(workspace: Workspace) -> str:
    return f"circuit:{workspace.instance_id}"
