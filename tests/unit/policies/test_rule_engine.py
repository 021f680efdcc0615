import pytest

from controlplane.policies import engine
from controlplane.policies.engine import Facts, FactsUnusable, RuleFailed, check, compiled
from controlplane.policies.grammar import RuleInvalid


def satisfied(expression, **values):
    return Facts(values).satisfy(compiled(expression))


@pytest.mark.parametrize(
    ("expression", "column", "said"),
    [
        ("basket.total.minor >", 21, "ends too early"),
        ("1 +* 2 == 3", 4, "“*” is not expected"),
        ("basket.number == 'B1", 18, "cannot be read"),
        ("a b", 3, "“b” is not expected"),
        ("bask.number == 'x'", 1, "“bask” is not known here. Known names: basket, params"),
        ("basket.totl > 1", 8, "no field “totl”. Known: items, number, tags, total"),
        ("basket.number.length == 1", 15, "no field “length”"),
        ("basket.items.sku == 'x'", 14, "not a record"),
        ("basket.items.exists(i, i.skuu == 'x')", 26, "no field “skuu”"),
        ("basket.total.minor > 1.5", 22, "whole minor units"),
        ("size(basket.number) > 3", 6, "size() counts lists only"),
        ("basket.number.upper() == 'X'", 15, "not a function of rules"),
        ("basket.number.matches('(')", 15, "pattern cannot be read"),
        ("basket.number.matches(basket.number)", 15, "as a text in quotes"),
        ("basket.number == 'a\\\\b'", 20, "backslash"),
        ("basket.number == r'a'", 18, "raw text"),
        ("basket.number == 'b' || 'x' == b'y'", 32, "raw text"),
        ("basket.number == '''a'''", 18, "triple quotes"),
        ("{'a': 1}.a == 1", 1, "may not build maps"),
        ("basket.items.all(1, true)", 18, ""),
        ("params.limit.all(x, x > 1)", 14, "none of known length"),
    ],
)
def test_what_cannot_be_read_says_where(basket, expression, column, said):
    with pytest.raises(RuleInvalid) as caught:
        check(expression, basket)
    assert said in caught.value.detail
    assert caught.value.column == column
    assert caught.value.errors[0].field == "expression"


@pytest.mark.parametrize(
    "expression",
    ["basket.number == 'b'", 'basket.number in ["r", "B"]', "// it's a note on r'x'\ntrue"],
)
def test_letters_in_texts_and_comments_are_no_raw_texts(basket, expression):
    assert check(expression, basket) > 0


def test_the_line_is_named_in_longer_rules(basket):
    with pytest.raises(RuleInvalid, match="Line 2, column 3"):
        check("basket.number == 'x' &&\n  nope", basket)


@pytest.mark.parametrize("expression", ["", "   ", "x" * 2001])
def test_empty_and_endless_rules_are_refused(basket, expression):
    with pytest.raises(RuleInvalid):
        check(expression, basket)


@pytest.mark.parametrize(
    "expression", ["(" * 90 + "true" + ")" * 90, "!" * 1998 + "true", "+".join(["1"] * 900) + ">0"]
)
def test_deep_nesting_is_an_answer_not_a_crash(basket, expression):
    with pytest.raises(RuleInvalid):
        check(expression, basket)


def test_the_sample_run_finds_a_parameter_that_nobody_sets(basket):
    with pytest.raises(RuleFailed, match=r"“surcharge” is missing.*has\(params"):
        check("basket.total.minor > params.surcharge", basket)


def test_a_guarded_parameter_passes(basket):
    assert check("has(params.surcharge) && basket.total.minor > params.surcharge", basket) > 0


def test_a_rule_that_is_no_condition_is_refused(basket):
    with pytest.raises(RuleFailed, match="gives a whole number, neither true nor false"):
        check("basket.total.minor", basket)


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("a.nope == 1", "“nope” is missing"),
        ("a.list[7] == 1", "does not have"),
        ("1 / a.zero == 1", "divides by zero"),
        ("a.large * a.large * a.large > 0", "too large"),
        ("a.text > 1", "another kind"),
        ("a.nothing > 1", "an empty one"),
        ("nobody == 1", "nobody"),
        ("a.text", "gives a text"),
    ],
)
def test_what_goes_wrong_is_said_in_words(expression, said):
    values: dict[str, object] = {
        "list": [1],
        "zero": 0,
        "large": 2**53 - 1,
        "text": "x",
        "nothing": None,
    }
    with pytest.raises(RuleFailed, match=said):
        satisfied(expression, a=values)


@pytest.mark.parametrize("value", [2**53, -(2**53), 1.5, float("nan"), {1, 2}, b"x"])
def test_values_that_would_be_rounded_are_refused(value):
    with pytest.raises(FactsUnusable, match=r"a\.b\.0"):
        Facts({"a": {"b": [value]}})


def test_large_amounts_are_compared_exactly():
    assert satisfied("a > b", a=2**53 - 1, b=2**53 - 2)


def test_the_known_difference_is_still_there():
    """When the engine counts characters one day, `size()` of texts can be let through."""
    assert satisfied("size(a) == 2", a="é")


def test_one_broken_element_fails_a_rule_over_a_list():
    """CEL would let the later element decide; failing holds, which is the safe side."""
    with pytest.raises(RuleFailed):
        satisfied("a.exists(x, 10 / x == 5)", a=[0, 2])


def test_compiled_rules_are_kept():
    assert compiled("1 == 1") is compiled("1 == 1")


def test_an_engine_panic_fails_the_rule(monkeypatch):
    class Panic(BaseException):
        pass

    class Program:
        def execute(self, context):
            raise Panic("index out of range in Rust")

    with pytest.raises(RuleFailed, match="index out of range in Rust"):
        Facts({}).satisfy(Program())


def test_an_interrupt_is_not_swallowed():
    class Program:
        def execute(self, context):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        engine.Facts({}).satisfy(Program())
