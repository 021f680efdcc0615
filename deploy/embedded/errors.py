"""What can go wrong while services start, in words that say what to do next."""


class StartFailed(RuntimeError):
    """A service could not be installed or started; the message is meant for a person."""
