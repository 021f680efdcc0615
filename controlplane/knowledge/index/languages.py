"""PostgreSQL's text search configuration for a language: how its words are stemmed."""

SIMPLE = "simple"
# Those that every supported PostgreSQL has.
_CONFIGS = {
    "ar": "arabic", "ca": "catalan", "da": "danish", "de": "german", "el": "greek",
    "en": "english", "es": "spanish", "eu": "basque", "fi": "finnish", "fr": "french",
    "ga": "irish", "hi": "hindi", "hu": "hungarian", "hy": "armenian", "id": "indonesian",
    "it": "italian", "lt": "lithuanian", "nb": "norwegian", "ne": "nepali", "nl": "dutch",
    "nn": "norwegian", "no": "norwegian", "pt": "portuguese", "ro": "romanian", "ru": "russian",
    "sr": "serbian", "sv": "swedish", "ta": "tamil", "tr": "turkish", "yi": "yiddish",
}  # fmt: skip


def config_of(language: str) -> str:
    """By ISO 639-1; `simple`, which stems nothing, for a language that PostgreSQL does not know."""
    return _CONFIGS.get(language, SIMPLE)
