import pytest

from deploy.embedded.state import State, read_values


def test_values_survive_and_secrets_are_made_once(tmp_path):
    path = tmp_path / "var" / "embedded.env"
    secret = State(path).keep_secret("REDIS_PASSWORD")

    again = State(path)

    assert again.keep_secret("REDIS_PASSWORD") == secret
    assert len(secret) >= 32


def test_file_can_be_read_by_its_owner_only(tmp_path):
    path = tmp_path / "embedded.env"
    State(path).update({"KEY": "value"})
    assert path.stat().st_mode & 0o777 == 0o600
    State(path).update({"KEY": "other"})
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["embedded.env"]


def test_value_may_hold_equal_signs(tmp_path):
    path = tmp_path / "embedded.env"
    State(path).update({"ENCRYPTION_KEYS": "abc=,def="})
    assert read_values(path) == {"ENCRYPTION_KEYS": "abc=,def="}


@pytest.mark.parametrize("values", [{"A\nB": "c"}, {"A": "b\nc"}, {"A=B": "c"}, {"": "c"}])
def test_what_does_not_fit_on_a_line_is_refused(tmp_path, values):
    with pytest.raises(ValueError, match="KEY=VALUE"):
        State(tmp_path / "embedded.env").update(values)


def test_unchanged_values_do_not_touch_the_file(tmp_path):
    state = State(tmp_path / "embedded.env")
    state.update({"KEY": "value"})
    before = state.path.stat().st_ino
    state.update({"KEY": "value"})
    assert state.path.stat().st_ino == before


def test_forget_removes_a_value(tmp_path):
    state = State(tmp_path / "embedded.env")
    state.update({"KEEP": "1", "DROP": "2"})
    state.forget("DROP")
    assert read_values(state.path) == {"KEEP": "1"}
