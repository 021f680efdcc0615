"""The language model that LLM_MODEL names, through LangChain. One call: messages in, text out.

LangChain is imported at the first call, since that takes a second. Its tracing is off here
whatever the environment says: prompts hold a tenant's documents and questions.
"""

import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog
from django.conf import settings

from controlplane.core.http import backoff
from tenants.agreements import models_are_agreed
from tenants.residency import allows, entered_region

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

TRIES = 3
MOST_TOKENS = 1200
PARAMETERS: dict[str, Any] = {"temperature": 0, "max_tokens": MOST_TOKENS}

log = structlog.get_logger()
_lock = threading.Lock()
_models: dict[tuple[str, ...], "BaseChatModel"] = {}


class ModelFailed(Exception):
    """The model gave no text. `reason` is stable: timeout, unavailable, refused, misconfigured,
    not_agreed."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail[:500]


@dataclass(frozen=True)
class Message:
    role: str
    """system or user"""
    content: str


@dataclass(frozen=True)
class Completion:
    """`tokens_in` and `tokens_out` as the provider counts them, None where it does not say."""

    text: str
    model: str
    tokens_in: int | None
    tokens_out: int | None


def is_configured() -> bool:
    """Whether there is a model that the tenant which is entered may use: it stands in its region,
    or the tenant has none."""
    return bool(settings.LLM_MODEL) and allows(entered_region(), settings.LLM_REGION)


def complete(messages: Sequence[Message]) -> Completion:
    """Ask the model, at most three times; LLM_TIMEOUT bounds all of it. Raises ModelFailed.

    The one place where a tenant's texts go to a language model; so here what was agreed counts.
    """
    if not models_are_agreed():
        raise ModelFailed(
            "not_agreed",
            "it was agreed that no language model sees this customer's data. Another agreement is "
            "written down by the platform's operator.",
        )
    if not is_configured():
        raise ModelFailed("misconfigured", "no model is set that stands in the tenant's region")
    model = _model()
    given_up_at = time.monotonic() + settings.LLM_TIMEOUT
    for attempt in range(TRIES):
        try:
            return _ask_until(given_up_at, model, messages)
        except ModelFailed:
            raise
        except Exception as error:
            pause = backoff(attempt, base=0.3, cap=5)
            left = given_up_at - time.monotonic()
            log.warning("model failed", attempt=attempt + 1, error=repr(error)[:300])
            if attempt + 1 == TRIES or not _may_be_repeated(error) or pause >= left:
                raise ModelFailed(_reason_of(error), repr(error)) from error
            time.sleep(pause)
    raise AssertionError("the last try returns or raises")


def _ask_until(
    given_up_at: float, model: "BaseChatModel", messages: Sequence[Message]
) -> Completion:
    """In a thread that is left behind when the time is up: the clients' own time-outs count from
    one piece to the next, and not all of them take another for a single call. Those end it."""
    asked: Future[Completion] = Future()

    def work() -> None:
        try:
            asked.set_result(_ask(model, messages))
        except BaseException as error:
            asked.set_exception(error)

    threading.Thread(target=work, daemon=True, name="language-model").start()
    try:
        return asked.result(max(0.0, given_up_at - time.monotonic()))
    except TimeoutError as error:
        raise TimeoutError(f"no answer in LLM_TIMEOUT={settings.LLM_TIMEOUT} s") from error


def _ask(model: "BaseChatModel", messages: Sequence[Message]) -> Completion:
    from langsmith.run_helpers import tracing_context

    with tracing_context(enabled=False):
        answer = model.invoke([(message.role, message.content) for message in messages])
    told = answer.response_metadata
    if answer.additional_kwargs.get("refusal") or told.get("finish_reason") == "content_filter":
        raise ModelFailed("refused", str(answer.additional_kwargs.get("refusal") or told))
    usage: Any = answer.usage_metadata or {}
    return Completion(
        text=answer.text,
        model=str(told.get("model_name") or settings.LLM_MODEL),
        tokens_in=usage.get("input_tokens"),
        tokens_out=usage.get("output_tokens"),
    )


def _model() -> "BaseChatModel":
    """Kept for the process: it holds the connections."""
    key = (settings.LLM_MODEL, settings.LLM_BASE_URL, settings.LLM_API_KEY, settings.LLM_TIMEOUT)
    with _lock:
        if key not in _models:
            _models[key] = _made()
        return _models[key]


def _made() -> "BaseChatModel":
    from langchain.chat_models import init_chat_model

    addressed = {"base_url": settings.LLM_BASE_URL, "api_key": settings.LLM_API_KEY}
    try:
        return init_chat_model(
            settings.LLM_MODEL,
            timeout=settings.LLM_TIMEOUT,
            # Tries are counted here, so that they have jitter and one limit together.
            max_retries=0,
            **PARAMETERS,
            **{name: value for name, value in addressed.items() if value},
        )
    except Exception as error:
        raise ModelFailed("misconfigured", f"LLM_MODEL={settings.LLM_MODEL}: {error!r}") from error


def _may_be_repeated(error: Exception) -> bool:
    """A time-out has used up the time that a person waits."""
    from langchain_core.exceptions import ModelError, ModelTimeoutError

    if isinstance(error, ModelTimeoutError):
        return False
    if isinstance(error, ModelError):
        return error.is_retryable
    return getattr(error, "status_code", None) in {408, 409, 429, 500, 502, 503, 504, 529}


def _reason_of(error: Exception) -> str:
    from langchain_core.exceptions import (
        ModelAuthenticationError,
        ModelInvalidRequestError,
        ModelNotFoundError,
        ModelPermissionDeniedError,
        ModelTimeoutError,
    )

    wrong = (
        ModelAuthenticationError, ModelInvalidRequestError,
        ModelNotFoundError, ModelPermissionDeniedError,
    )  # fmt: skip
    if isinstance(error, ModelTimeoutError | TimeoutError):
        return "timeout"
    return "misconfigured" if isinstance(error, wrong) else "unavailable"
