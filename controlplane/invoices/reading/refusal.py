"""Why a document goes into quarantine."""


class Refused(Exception):
    """The document is not read. `code` is stable, `message` is for the person who sent it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
