"""What Django's error reports may say: where it failed, and no values."""

from typing import Any

from django.utils.functional import Promise
from django.views.debug import SafeExceptionReporterFilter

from controlplane.core.redaction import redact


class ReportFilter(SafeExceptionReporterFilter):
    """For Django's error reports: no local variables, and settings without passwords in URLs."""

    def cleanse_setting(self, key: Any, value: Any) -> Any:
        if isinstance(value, Promise):
            return "(resolved later)"  # an address that this host may not have
        cleansed = super().cleanse_setting(key, value)
        return redact(cleansed) if isinstance(cleansed, str) else cleansed

    def get_post_parameters(self, request: Any) -> Any:
        if request is None:
            return {}
        return dict.fromkeys(request.POST, self.cleansed_substitute)

    def get_traceback_frame_variables(self, request: Any, tb_frame: Any) -> Any:
        # As in the logs: a traceback names places and no values.
        return [(name, self.cleansed_substitute) for name in tb_frame.f_locals]
