"""Against a server that speaks the real wire format, through LangChain's real client."""

import json
import time

import pytest

from controlplane.knowledge import llm
from controlplane.knowledge.llm import Message, ModelFailed
from tests.fakes.openai import FakeOpenAI, Reply

MESSAGES = [Message("system", "Answer briefly."), Message("user", "Where is the pier?")]


@pytest.fixture(autouse=True)
def _says_something(openai: FakeOpenAI) -> None:
    openai.will_say("In the harbour.")


def failure():
    with pytest.raises(ModelFailed) as caught:
        llm.complete(MESSAGES)
    return caught.value


def test_what_goes_over_the_wire(openai: FakeOpenAI) -> None:
    said = llm.complete(MESSAGES)

    assert (said.text, said.model) == ("In the harbour.", "stub-1-2026-01-01")
    assert (said.tokens_in, said.tokens_out) == (6, 3)
    (request,) = openai.requests
    assert request["model"] == "stub-1"
    assert request["temperature"] == 0
    assert request.get("max_tokens", request.get("max_completion_tokens")) == llm.MOST_TOKENS
    assert not request.get("stream")
    assert request["messages"] == [
        {"role": "system", "content": "Answer briefly."},
        {"role": "user", "content": "Where is the pier?"},
    ]
    assert openai.keys == ["Bearer sk-test"]


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_passing_failure_is_repeated(openai: FakeOpenAI, status: int) -> None:
    openai.will_say(Reply("busy", status=status), Reply("busy", status=status), "At last.")

    assert llm.complete(MESSAGES).text == "At last."
    assert len(openai.requests) == 3


def test_tries_are_bounded(openai: FakeOpenAI) -> None:
    openai.will_say(Reply("down", status=500))

    assert failure().reason == "unavailable"
    assert len(openai.requests) == llm.TRIES


@pytest.mark.parametrize("status", [400, 401, 404])
def test_what_is_set_up_wrongly_is_not_repeated(openai: FakeOpenAI, status: int) -> None:
    openai.will_say(Reply("no", status=status))

    assert failure().reason == "misconfigured"
    assert len(openai.requests) == 1


def test_a_slow_model_is_given_up_in_time(openai: FakeOpenAI, settings) -> None:
    settings.LLM_TIMEOUT = 1
    openai.will_say(Reply("late", delay=3))

    assert failure().reason == "timeout"
    assert len(openai.requests) == 1


def test_all_tries_together_have_the_time_of_one(openai: FakeOpenAI, settings) -> None:
    settings.LLM_TIMEOUT = 2
    # By itself the second would come in time.
    openai.will_say(Reply("busy", status=503, delay=1.6), Reply("late", delay=1.5))

    assert failure().reason == "timeout"
    assert len(openai.requests) == 2


def test_a_model_that_drips_is_given_up_too(openai: FakeOpenAI, settings) -> None:
    settings.LLM_TIMEOUT = 1
    openai.will_say(Reply("In the harbour.", pace=0.02))

    assert failure().reason == "timeout"


def test_nobody_there(openai: FakeOpenAI, settings) -> None:
    settings.LLM_BASE_URL = "http://127.0.0.1:9/v1"

    assert failure().reason == "unavailable"


def test_an_answer_that_is_no_answer(openai: FakeOpenAI) -> None:
    openai.will_say(Reply(raw=b"<html>bad gateway</html>", status=502))
    assert failure().reason == "unavailable"
    openai.will_say(Reply(raw=json.dumps({"object": "nothing"}).encode()))
    assert failure().reason == "unavailable"


def test_a_refusal_is_no_answer(openai: FakeOpenAI) -> None:
    openai.will_say(Reply("", refusal="I cannot help with that."))
    assert failure().reason == "refused"
    openai.will_say(Reply("", finish_reason="content_filter"))
    assert failure().reason == "refused"


def test_an_unknown_provider_is_said(openai: FakeOpenAI, settings) -> None:
    settings.LLM_MODEL = "nosuch:model"

    assert failure().reason == "misconfigured"


def test_prompts_are_sent_nowhere_else(openai: FakeOpenAI, monkeypatch) -> None:
    monkeypatch.setenv("LANGSMITH_TRACING", "true")
    monkeypatch.setenv("LANGSMITH_ENDPOINT", openai.url)
    monkeypatch.setenv("LANGSMITH_API_KEY", "ls-test")

    llm.complete(MESSAGES)
    time.sleep(0.3)

    assert openai.other_calls == []
    assert len(openai.requests) == 1
