"""Structured logs: one JSON object a line, with tenant, event and execution where known.

`bound(event_id=…)` adds a value to every line that is written inside it, also by libraries.
"""

import logging
from typing import Any

import structlog
from structlog.contextvars import bound_contextvars as bound

from controlplane.core.redaction import redact_line

__all__ = ["bound", "configure", "get_logger"]

_SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    return structlog.stdlib.get_logger(name)  # type: ignore[no-any-return]


def configure(level: str) -> None:
    """Send the standard library's logging and structlog through one JSON formatter."""
    structlog.configure(
        processors=[
            # First: a line that is not written anyway costs nothing.
            structlog.stdlib.filter_by_level,
            *_SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_SHARED,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                # Without the frames' local variables, where bodies, keys and passwords are.
                structlog.processors.ExceptionRenderer(
                    structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
                ),
                structlog.processors.JSONRenderer(),
                # Last, so that it sees what libraries and exceptions say as well.
                redact_line,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # An httpx line names the whole URL, and a resume URL is a capability.
    logging.getLogger("httpx").setLevel(logging.WARNING)
