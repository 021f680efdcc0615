"""Documents and collections, as managers bring them in."""

from collections.abc import Iterable
from pathlib import PurePath
from typing import Any

from django import forms
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.template.defaultfilters import filesizeformat
from django.utils.text import slugify
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from controlplane.knowledge.ingestion.kinds import KindUnknown, kind_of
from controlplane.knowledge.models import Collection, DocumentVersion
from controlplane.portal.templatetags.support import language

ACCEPTED = ".md,.markdown,.html,.htm,.txt,.pdf,.csv,.tsv"
LONGEST_PASTE = 400_000
# Those whose words PostgreSQL can stem, and a few neighbours that are searched word by word.
LANGUAGES = (
    "ar", "ca", "cs", "da", "de", "el", "en", "es", "eu", "fi", "fr", "ga", "hi", "hu", "hy",
    "id", "it", "ja", "lt", "nb", "ne", "nl", "pl", "pt", "ro", "ru", "sk", "sl", "sr", "sv",
    "ta", "tr", "uk", "zh",
)  # fmt: skip


class ContentForm(forms.Form):
    """A file, or Markdown that was pasted: one of both."""

    file = forms.FileField(
        label=_("File"),
        help_text=_("Markdown, HTML, text, PDF, or CSV with questions and answers."),
        required=False,
        widget=forms.FileInput(attrs={"accept": ACCEPTED}),
    )
    text = forms.CharField(
        label=_("Or paste the text"),
        help_text=_("As Markdown: a line that begins with # is a heading."),
        required=False,
        max_length=LONGEST_PASTE,
        widget=forms.Textarea(attrs={"rows": 8, "class": "mono", "spellcheck": "false"}),
    )

    def clean_file(self) -> UploadedFile | None:
        file: UploadedFile | None = self.cleaned_data["file"]
        if file is None:
            return None
        if (file.size or 0) > settings.DOCUMENT_MAX_BYTES:
            most = filesizeformat(settings.DOCUMENT_MAX_BYTES)
            raise forms.ValidationError(
                _("The file is larger than %(most)s, the most that is taken. Split it."),
                params={"most": most},
            )
        try:
            kind_of(file.name or "", file.content_type or "")
        except KindUnknown as error:
            raise forms.ValidationError(
                _("Files of this kind are not read. Save it as Markdown, HTML, text, PDF or CSV.")
            ) from error
        return file

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        given = [name for name in ("file", "text") if data.get(name)]
        if len(given) != 1 and not {"file", "text"} & set(self.errors):
            both = _("Choose a file or paste a text, not both.")
            self.add_error("file", both if given else _("Choose a file, or paste a text below."))
        return data

    @property
    def content(self) -> dict[str, Any]:
        """What the services ask for of a file."""
        file: UploadedFile | None = self.cleaned_data["file"]
        if file is not None:
            return {
                "chunks": _chunks(file),
                "filename": file.name or "",
                "content_type": file.content_type or "",
            }
        name = slugify(self.cleaned_data.get("title", ""))[:80] or "text"
        return {
            "chunks": [self.cleaned_data["text"].encode()],
            "filename": f"{name}.md",
            "kind": DocumentVersion.Kind.MARKDOWN,
        }


class DocumentForm(ContentForm):
    field_order = ["collection", "title", "file", "text", "source_url"]

    collection = forms.ModelChoiceField(
        label=_("Collection"), queryset=Collection.objects.none(), empty_label=None
    )
    title = forms.CharField(
        label=_("Title"),
        help_text=_("Stands beside every quotation. Empty: the file's name."),
        required=False,
        max_length=300,
    )
    source_url = forms.URLField(
        label=_("Where it can be read"),
        help_text=_("Its address on the web, if it has one. Citations then lead there."),
        required=False,
        max_length=2000,
        assume_scheme="https",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["collection"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = Collection.objects.active()

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if data.get("text") and not data.get("title"):
            self.add_error("title", _("A pasted text has no file name: give it a title."))
        if (file := data.get("file")) and not data.get("title"):
            data["title"] = PurePath(file.name).stem.replace("_", " ")
        return data


class CollectionForm(forms.Form):
    name = forms.CharField(
        label=_("Name"), help_text=_("For example “Returns” or “Device manuals”."), max_length=120
    )
    language = forms.ChoiceField(
        label=_("Language of its documents"),
        help_text=_("Says how words are compared: “returned” is found by “return”."),
        choices=(),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["language"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = _languages()
        field.initial = get_language()

    @property
    def slug(self) -> str:
        """Made from the name. Of another writing than Latin nothing may be left of it."""
        return slugify(self.cleaned_data["name"])[:60].strip("-")

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if not slugify(name):
            raise forms.ValidationError(gettext("Use at least one Latin letter or digit."))
        return name


class RenameForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=120)


class QuestionForm(forms.Form):
    question = forms.CharField(
        label=_("Question"),
        help_text=_("As a customer would write it."),
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )


def _chunks(file: UploadedFile) -> Iterable[bytes]:
    return file.chunks()


def _languages() -> list[tuple[str, str]]:
    """By their names in the reader's language."""
    return sorted(((code, language(code)) for code in LANGUAGES), key=lambda pair: pair[1])
