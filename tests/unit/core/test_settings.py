"""What settings make of an environment that says little."""

from pathlib import Path

from django.conf import settings


def test_mails_are_written_below_var() -> None:
    """A relative folder would lie wherever the process was started, with orders and reset links."""
    assert Path(settings.EMAIL_FILE_PATH).is_relative_to(settings.BASE_DIR / "var")
