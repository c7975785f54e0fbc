"""What can go wrong with an index that is fetched from a web site."""

from enum import StrEnum

from molsys_chat_server.errors import ServerError


class Trouble(StrEnum):
    """What is wrong, as metrics label it."""

    AWAY = "away"
    """The site cannot be reached, is silent, or broke off."""
    STATUS = "status"
    """The site answers with an HTTP error."""
    UNFIT = "unfit"
    """What the site gives is no index that may be served here."""
    UNSETTLED = "unsettled"
    """The manifest is torn, or a file not the one that it names: perhaps the site is being
    published just now."""
    DISK = "disk"
    """The index cannot be kept on this machine."""


class FetchError(ServerError):
    """A published index could not be fetched; the message says which, why and the remedy.

    :param trouble: what sort of failure it is.
    :param retry_after_s: seconds that the site asks to wait; 0 where it does not.
    """

    def __init__(self, trouble: Trouble, message: str, retry_after_s: float = 0.0) -> None:
        super().__init__(message)
        self.trouble = trouble
        self.retry_after_s = retry_after_s
