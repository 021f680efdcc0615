import itertools

import pytest

from controlplane.policies.verdicts import Verdict, strictest


def test_order_is_by_strictness_not_by_alphabet():
    assert sorted(["reject", "accept", "hold"], key=Verdict) == ["accept", "hold", "reject"]
    assert Verdict.ACCEPT < Verdict.HOLD < Verdict.REJECT


@pytest.mark.parametrize(("mild", "strict"), list(itertools.combinations(Verdict, 2)))
def test_every_comparison_agrees(mild, strict):
    assert mild < strict
    assert mild <= strict
    assert strict > mild
    assert strict >= mild
    assert mild <= mild


def test_strictest_wins_whatever_the_order():
    for verdicts in itertools.permutations(["hold", "reject", "accept"]):
        assert strictest(verdicts) is Verdict.REJECT


def test_nothing_to_say_accepts():
    assert strictest([]) is Verdict.ACCEPT


def test_compares_with_the_text_in_a_row():
    assert Verdict.HOLD == "hold"
    assert Verdict.HOLD > "accept"
