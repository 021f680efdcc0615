from django import forms
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _


class ImportForm(forms.Form):
    """One file, CSV or XML: which of them it is, its content says."""

    file = forms.FileField(
        label=_("File"),
        widget=forms.FileInput(attrs={"accept": ".csv,.txt,.xml,text/csv,application/xml"}),
    )

    def clean_file(self) -> UploadedFile:
        file: UploadedFile = self.cleaned_data["file"]
        if (file.size or 0) > settings.DOCUMENT_MAX_BYTES:
            raise forms.ValidationError(_("The file is too large. Send it in several parts."))
        return file
