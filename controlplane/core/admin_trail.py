"""What an admin page changes, told with before and after to whoever keeps the audit trail.

The trail stands on a higher floor and is named once, in its AppConfig.ready. Rows are compared as
they were before the request and after it, so that it does not matter whether a page saves by itself
or through a service.
"""

from functools import wraps
from typing import Any, Protocol

from django.contrib.admin.models import LogEntry
from django.contrib.admin.utils import NestedObjects
from django.db import models
from django.http import HttpRequest, HttpResponse

from controlplane.core.admin_refusals import DELETES, Run, TellsRefusals
from controlplane.core.errors import DomainError
from controlplane.core.schema import is_in_tenant

Snapshot = dict[str, Any]


class Trail(Protocol):
    def snapshot(self, row: models.Model) -> Snapshot:
        """The row as plain values, without secrets."""

    def write(
        self, verb: str, row: models.Model, before: Snapshot, after: Snapshot, request: HttpRequest
    ) -> None:
        """One change of one row; `{}` stands for a row that was not there."""


class _NoTrail:
    def snapshot(self, row: models.Model) -> Snapshot:
        return {}

    def write(self, *_: Any) -> None:
        return None


_trail: list[Trail] = [_NoTrail()]


def keep_trail(trail: Trail) -> None:
    """From AppConfig.ready: from now on every change in the admin is told to it."""
    _trail[0] = trail


class LeavesTrail(TellsRefusals):
    """Tells every addition, change and deletion, of inlines too, and every action on rows.

    Django's own admin log is shared and out of reach for a tenant's role: there it is not written.
    """

    def get_object(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        row = super().get_object(request, *args, **kwargs)
        if row is not None and request.method == "POST":
            # The form writes into this very row while it is checked, so look now.
            request.admin_before = (row.pk, _trail[0].snapshot(row))  # type: ignore[attr-defined]
        return row

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> LogEntry | None:
        _trail[0].write("added", obj, {}, _trail[0].snapshot(obj), request)
        return None if is_in_tenant() else super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> LogEntry | None:
        pk, before = getattr(request, "admin_before", (None, {}))
        if pk == obj.pk:
            _trail[0].write("changed", obj, before, _trail[0].snapshot(obj), request)
        return None if is_in_tenant() else super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        """Before they go, with what goes with them."""
        goes = NestedObjects(using="default")
        goes.collect(list(queryset))
        for rows in goes.data.values():
            for row in rows:
                if not (isinstance(row, LogEntry) or row._meta.auto_created):
                    _trail[0].write("deleted", row, _trail[0].snapshot(row), {}, request)
        return None if is_in_tenant() else super().log_deletions(request, queryset)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        deleted = [each.instance.pk for each in formset.deleted_forms]
        there = [each.instance.pk for each in formset.initial_forms]
        rows = {row.pk: row for row in formset.model._default_manager.filter(pk__in=there)}
        before = {pk: _trail[0].snapshot(row) for pk, row in rows.items()}
        super().save_formset(request, form, formset, change)
        for row in formset.new_objects:
            _trail[0].write("added", row, {}, _trail[0].snapshot(row), request)
        for row, _fields in formset.changed_objects:
            _trail[0].write(
                "changed", row, before.get(row.pk, {}), _trail[0].snapshot(row), request
            )
        for pk in deleted:
            if pk in rows:
                _trail[0].write("deleted", rows[pk], before[pk], {}, request)

    def running(self, name: str, run: Run) -> Run:
        """`log_deletions` tells what is deleted."""
        run = super().running(name, run)
        return run if name == DELETES else _told(name, run)


def _told(name: str, run: Run) -> Run:
    """Where it is refused, only the rows that it had come to and changed."""

    @wraps(run)
    def action(admin: LeavesTrail, request: HttpRequest, queryset: models.QuerySet[Any]) -> Any:
        before = {row.pk: _trail[0].snapshot(row) for row in queryset}

        def tell(*, changed_only: bool = False) -> None:
            for row in admin.model._default_manager.filter(pk__in=before):
                after = _trail[0].snapshot(row)
                if after != before[row.pk] or not changed_only:
                    _trail[0].write(name, row, before[row.pk], after, request)

        try:
            response = run(admin, request, queryset)
        except DomainError:
            tell(changed_only=True)
            raise
        if isinstance(response, HttpResponse) and response.status_code == 200:
            return response  # it asks first whether it shall
        tell()
        return response

    return action
