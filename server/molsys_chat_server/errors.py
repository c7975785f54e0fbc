"""The errors of this package.

.. code-block:: text

   ServerError                     every error below: one line fit for a user
   ├── SettingsError               the settings are wrong: what, which value, the remedy
   ├── RecordsError                votes and answers cannot be stored or read
   ├── NotDocumentedError          a tool was asked for what the documentation does not have
   ├── RequestError                a request is refused: an HTTP status, a code, a message
   │   ├── MalformedError          400  not JSON, a wrong type, an empty question
   │   ├── KeyRefusedError         401  a key is needed and was missing or wrong
   │   ├── SessionError            401  a session is needed, or has expired
   │   ├── OriginRefusedError      403  a page of another origin asked
   │   ├── ProjectRefusedError     403  the key is not for that project
   │   ├── UnknownProjectError     404  no index of that project is served
   │   ├── TooLargeError           413  the body, the question or the conversation is too long
   │   ├── HostRefusedError        421  the service was asked for under a name that is not its own
   │   ├── RateLimitedError        429  a limit is reached
   │   └── UnavailableError        503  busy, or no index is open yet
   └── ModelError                  the model's server did not give an answer
       ├── ModelUnavailableError   refused, unresolvable, or resting after such a failure
       ├── ModelBusyError          no place at it came free in time
       ├── ModelTimeoutError       no answer, or no further word of it, in time
       ├── ModelStatusError        it answered with an error
       │   └── ModelContextError   prompt and answer are too long for it
       ├── ModelGarbageError       it answered with something that is no chat completion
       ├── ModelBrokenOffError     the connection ended before the answer did
       ├── ModelReasonsOnlyError   it wrote reasoning, and no answer
       ├── ModelInventsError       it went on naming what the documentation does not have
       └── ModelUnsupportedError   the sources support nothing of what it wrote
"""


class ServerError(Exception):
    """Base of this package's errors; ``str()`` is one line fit for a user."""


class SettingsError(ServerError):
    """The settings are wrong; the message names the setting, its value and the remedy."""


class RecordsError(ServerError):
    """The database of votes, questions and answers cannot be used; the message says why."""


class NotDocumentedError(ServerError):
    """A tool was asked for a section or a name that there is not; the message names the nearest."""


class RequestError(ServerError):
    """A request is refused.

    :param message: what is wrong and what to do about it.
    :param retry_after_s: after how many seconds another try makes sense; 0 where none does.
    """

    status = 400
    code = "malformed"

    def __init__(self, message: str, *, retry_after_s: int = 0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
        self.details: dict[str, str] = {}
        """What else programs are told, beside code and message."""


class MalformedError(RequestError):
    """The request is not what the endpoint takes."""


class KeyRefusedError(RequestError):
    """A key is needed and was missing or wrong."""

    status = 401
    code = "key_refused"


class SessionError(RequestError):
    """The request needs a session, or another one than it came with."""

    status = 401
    code = "session_needed"

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code


class ProjectRefusedError(RequestError):
    """The key may not ask about that project."""

    status = 403
    code = "project_refused"


class HostRefusedError(RequestError):
    """The name that the service was asked for under is not its own."""

    status = 421
    code = "host_refused"


class OriginRefusedError(RequestError):
    """A page of an origin that is not allowed sent the request."""

    status = 403
    code = "origin_refused"


class UnknownProjectError(RequestError):
    """No index of that project is served."""

    status = 404
    code = "unknown_project"


class TooLargeError(RequestError):
    """The body, the question or the conversation is too long."""

    status = 413
    code = "too_large"


class RateLimitedError(RequestError):
    """A limit is reached.

    :param limit: which one, for programs.
    """

    status = 429
    code = "rate_limited"

    def __init__(self, message: str, *, limit: str, retry_after_s: int) -> None:
        super().__init__(message, retry_after_s=retry_after_s)
        self.details = {"limit": limit}


class UnavailableError(RequestError):
    """The service cannot take the request now."""

    status = 503

    def __init__(self, message: str, *, code: str, retry_after_s: int) -> None:
        super().__init__(message, retry_after_s=retry_after_s)
        self.code = code


class ModelError(ServerError):
    """The model's server did not give an answer.

    :param message: what is wrong, in our own words.
    :param told: the server's own words, one line; for the log and whoever runs the service.
    """

    code = "model_failed"

    def __init__(self, message: str, *, told: str = "") -> None:
        super().__init__(message)
        self.told = told

    @property
    def report(self) -> str:
        """What is wrong, the server's own words included."""
        return f"{self}: {self.told}" if self.told else str(self)


class ModelUnavailableError(ModelError):
    """The model's server cannot be reached."""

    code = "model_unavailable"


class ModelBusyError(ModelError):
    """No place at the model's servers came free in time."""

    code = "model_busy"


class ModelTimeoutError(ModelError):
    """The model's server did not answer, or did not go on, in time."""

    code = "model_timeout"


class ModelStatusError(ModelError):
    """The model's server answered with an error.

    :param status: its HTTP status, also where the error came within an answer; 0 where that did
        not say.
    """

    code = "model_error"

    def __init__(self, message: str, status: int = 0, *, told: str = "") -> None:
        super().__init__(message, told=told)
        self.status = status


class ModelContextError(ModelStatusError):
    """Prompt and answer are too long for the model.

    :param context_length: tokens that they may have together; 0 where the server does not say.
    """

    def __init__(
        self, message: str, status: int = 0, *, told: str = "", context_length: int = 0
    ) -> None:
        super().__init__(message, status, told=told)
        self.context_length = context_length


class ModelGarbageError(ModelError):
    """The model's server answered with something that is no chat completion."""

    code = "model_garbage"


class ModelBrokenOffError(ModelError):
    """The connection ended before the answer did."""

    code = "model_broken_off"


class ModelReasonsOnlyError(ModelError):
    """The model wrote reasoning, and no answer."""

    code = "model_only_reasons"


class ModelInventsError(ModelError):
    """The model went on naming what the documentation does not have."""

    code = "model_invents"


class ModelUnsupportedError(ModelError):
    """The sources support nothing of what the model wrote."""

    code = "model_unsupported"
