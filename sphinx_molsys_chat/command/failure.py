"""What a subcommand raises when it cannot do its work."""


class CommandError(Exception):
    """The work failed; ``str()`` is one line that says what, why and the remedy."""
