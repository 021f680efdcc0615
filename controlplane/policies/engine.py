"""Evaluates rules: the one module that touches the engine, `common-expression-language` (Rust).

Where the engine differs from the CEL specification:

- `size()` of a text counts bytes: `cost.py` lets it through for lists only.
- in `exists` and `all` an element that cannot be judged fails the whole rule, where CEL lets a
  later element decide: stricter, and a rule that fails holds.
- `||` and `&&` do absorb a failing side that the other side outvotes, as CEL says.
- a number beyond 64 bits is taken for a float: `Facts` refuses it, and every float.
"""

import re
import time
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from importlib.metadata import version
from typing import Any

from controlplane.core.errors import DomainError, FieldError
from controlplane.policies.bare_cel import cel
from controlplane.policies.contexts import Context
from controlplane.policies.cost import RuleTooCostly, bound_of
from controlplane.policies.grammar import RuleInvalid, refuse_ambiguous

LARGEST_WHOLE = 2**53 - 1
"""What JSON carries exactly, so that an input's hash is the same everywhere."""
LONGEST_RUN = 0.1
"""Seconds of processor time that a rule may take on the largest input."""
ENGINE = f"common-expression-language {version('common-expression-language')}"


class RuleFailed(DomainError):
    """The rule could not be evaluated on this input; whoever asked must hold."""

    code = "rule_failed"
    status = 422
    title = "A rule could not be evaluated"


class FactsUnusable(DomainError):
    code = "facts_unusable"
    status = 422
    title = "Rules cannot read a value"


class Facts:
    """The values that rules read, handed to the engine once for any number of rules."""

    def __init__(self, values: Mapping[str, Any], *, checked: bool = False) -> None:
        """Raises FactsUnusable where a value is not text, whole number, truth value or null.

        `checked`: the caller has seen to that already.
        """
        if not checked:
            refuse_inexact(values)
        self._context = cel.Context(dict(values))

    def satisfy(self, program: cel.Program) -> bool:
        """Whether the rule applies. Raises RuleFailed."""
        try:
            answer = program.execute(self._context)
        except (KeyboardInterrupt, SystemExit, GeneratorExit):
            raise
        except BaseException as error:  # a panic in Rust is no Exception
            raise RuleFailed(_in_words(error)) from error
        if not isinstance(answer, bool):
            raise RuleFailed(f"it gives {_kind(answer)}, neither true nor false")
        return answer


@lru_cache(maxsize=4096)
def compiled(expression: str) -> cel.Program:
    """Raises RuleInvalid where the expression cannot be read."""
    refuse_ambiguous(expression)
    try:
        return cel.compile(expression)
    except ValueError as error:
        raise _syntax_fault(str(error)) from error


def check(expression: str, context: Context) -> float:
    """The rule's cost in units (about microseconds). Raises RuleInvalid, RuleTooCostly, RuleFailed.

    Reads it, bounds it, and tries it on the context's sample and default parameters.
    """
    program = compiled(expression)
    cost = bound_of(expression, context.shape)
    unseen = set(program.variables()) - set(re.findall(r"[_a-zA-Z]\w*", expression))
    if unseen:
        raise RuleInvalid(f"The rule is read in two ways, at {sorted(unseen)}. Write it plainer.")
    try:
        _to_try(context, "sample").satisfy(program)
    except RuleFailed as error:
        hint = (
            " Guard a parameter that may be missing with has(params.name) && …, and one that may "
            "be empty with params.name != null && …."
            if "params" in expression
            else ""
        )
        if asked := [name for name in context.open_records if name in expression]:
            hint += f" Guard what may be missing with has({asked[0]}.name) && …."
        message = f"On the sample that rules are tried on, {error.detail}.{hint}"
        raise RuleFailed(message, errors=(FieldError("expression", message),)) from error
    assert_quick(program, context)
    return cost


def assert_quick(program: cel.Program, context: Context) -> None:
    """Try the rule on the largest input. Raises RuleTooCostly where it takes over LONGEST_RUN.

    By the processor's time, so that a busy machine refuses nothing. The bound on cost was kept
    before, so this ends; an answer or a failure is all the same here.
    """
    facts = _to_try(context, "largest")
    best = LONGEST_RUN + 1
    for _try in range(3):
        began = time.thread_time()
        with suppress(RuleFailed):
            facts.satisfy(program)
        best = min(best, time.thread_time() - began)
        if best <= LONGEST_RUN:
            return
        if best > 2 * LONGEST_RUN:
            break
    raise RuleTooCostly(best * 1e6, measured=True)


def _to_try(context: Context, which: str) -> Facts:
    """Handed over once for all rules: with the largest input that takes longer than most rules."""
    kept = context.handed_over
    if which not in kept:
        kept[which] = Facts(context.to_try(getattr(context, which)))
    facts: Facts = kept[which]
    return facts


def refuse_inexact(value: Any, path: str = "") -> None:
    """Raises FactsUnusable at the first value that the engine would round."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            refuse_inexact(inner, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            refuse_inexact(inner, f"{path}.{index}")
    elif isinstance(value, int) and abs(value) > LARGEST_WHOLE:
        raise FactsUnusable(f"{path} is {value}, larger than rules can compare exactly.")
    elif value is not None and not isinstance(value, str | int | bool):
        raise FactsUnusable(f"{path} is {_kind(value)}. Rules read whole numbers and text.")


def _syntax_fault(text: str) -> RuleInvalid:
    faults = re.findall(r"<input>:(\d+):(\d+): (?:Syntax error: )?([^\n]*)", text)
    line, column, fault = next((f for f in faults if "Incomplete" not in f[2]), ("1", "0", text))
    if "'<EOF>'" in fault:
        detail = "the rule ends too early; something is missing here."
    elif found := re.search(r"(?:extraneous|mismatched) input '(.*?)' expecting", fault):
        detail = f"“{found[1]}” is not expected here."
    elif found := re.search(r"token recognition error at: '(.*)'?", fault):
        detail = f"“{found[1].rstrip(chr(39))}” cannot be read; is a quote missing?"
    else:
        detail = f"{fault[:200]}."
    return RuleInvalid(detail, line=int(line), column=int(column))


def _in_words(error: BaseException) -> str:
    match error:
        case KeyError():
            return f"the field “{error.args[0]}” is missing"
        case IndexError():
            return "it reads an element that the list does not have"
        case ZeroDivisionError():
            return "it divides by zero"
        case OverflowError():
            return "a number becomes too large"
        case TypeError():
            return "it uses a value of another kind than it expects, or an empty one"
        case _:
            return f"it stopped with “{str(error)[:200]}”"


def _kind(value: Any) -> str:
    names = {
        str: "a text",
        int: "a whole number",
        float: "a number with a fraction",
        list: "a list",
    }
    return names.get(type(value), f"a {type(value).__name__}")
