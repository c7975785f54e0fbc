"""The errors of this package.

.. code-block:: text

   ServerError                     every error below: one line fit for a user
   ├── SettingsError               the settings are wrong: what, which value, the remedy
   ├── PlanError                   a model, profile or card that no plan can be made for
   ├── ReplicasError               the model's replicas cannot be started or kept running
   ├── RequestError                a request is refused: an HTTP status, a code, a message
   │   ├── MalformedError          400  not JSON, a wrong type, an empty question
   │   ├── KeyRefusedError         401  a key is needed and was missing or wrong
   │   ├── OriginRefusedError      403  a page of another origin asked
   │   ├── UnknownProjectError     404  no index of that project is served
   │   ├── TooLargeError           413  the body, the question or the conversation is too long
   │   ├── RateLimitedError        429  too many requests from one client
   │   └── UnavailableError        503  busy, or no index is open yet
   └── ModelError                  the model's server did not give an answer
       ├── ModelUnavailableError   refused, unresolvable, or resting after such a failure
       ├── ModelBusyError          no place at it came free in time
       ├── ModelTimeoutError       no answer, or no further word of it, in time
       ├── ModelStatusError        it answered with an HTTP error
       ├── ModelGarbageError       it answered with something that is no chat completion
       ├── ModelBrokenOffError     the connection ended before the answer did
       ├── ModelInventsError       it went on naming what the documentation does not have
       └── ModelUnsupportedError   the sources support nothing of what it wrote
"""


class ServerError(Exception):
    """Base of this package's errors; ``str()`` is one line fit for a user."""


class SettingsError(ServerError):
    """The settings are wrong; the message names the setting, its value and the remedy."""


class PlanError(ServerError):
    """No plan can be made for a model, a profile or a card; the message says what to give."""


class ReplicasError(ServerError):
    """The model's replicas cannot be started or kept running; the message says what to do."""


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


class MalformedError(RequestError):
    """The request is not what the endpoint takes."""


class KeyRefusedError(RequestError):
    """A key is needed and was missing or wrong."""

    status = 401
    code = "key_refused"


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
    """One client sent too many requests."""

    status = 429
    code = "rate_limited"


class UnavailableError(RequestError):
    """The service cannot take the request now."""

    status = 503

    def __init__(self, message: str, *, code: str, retry_after_s: int) -> None:
        super().__init__(message, retry_after_s=retry_after_s)
        self.code = code


class ModelError(ServerError):
    """The model's server did not give an answer."""

    code = "model_failed"


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
    """The model's server answered with an HTTP error.

    :param status: the HTTP status; 0 where the error came within an answer.
    """

    code = "model_error"

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class ModelGarbageError(ModelError):
    """The model's server answered with something that is no chat completion."""

    code = "model_garbage"


class ModelBrokenOffError(ModelError):
    """The connection ended before the answer did."""

    code = "model_broken_off"


class ModelInventsError(ModelError):
    """The model went on naming what the documentation does not have."""

    code = "model_invents"


class ModelUnsupportedError(ModelError):
    """The sources support nothing of what the model wrote."""

    code = "model_unsupported"
