"""What the workflow package says in patterns is German in the portal too."""

from babel.messages.pofile import read_po
from django.conf import settings

from controlplane.catalog.changes import SENTENCES as OF_RELEASES
from controlplane.workflow.wording import _ROLES, SENTENCES


def test_every_sentence_about_a_workflow_is_translated() -> None:
    with open(settings.LOCALE_PATHS[0] / "de" / "LC_MESSAGES" / "django.po", "rb") as file:
        known = {message.id for message in read_po(file, locale="de") if message.string}

    assert {*SENTENCES.values(), *_ROLES.values(), *OF_RELEASES.values()} - known == set()
