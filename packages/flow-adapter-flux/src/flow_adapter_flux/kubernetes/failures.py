"""What goes wrong between us and an API server, in our words."""

import ssl
from datetime import UTC, datetime
from enum import Enum

import httpx2
from lightkube import ConfigError

from flow_adapter_flux.core.retry_after import retry_after_s


class Trouble(Enum):
    """Why a request or a watch did not go on; the value is how logs and metrics call it."""

    UNREACHABLE = "unreachable"
    """No answer: refused, reset, timed out, TLS, no credentials to send."""
    NO_RIGHTS = "no rights"
    """401 or 403. Never final: for a moment after a restart an API server answers so to everybody."""
    ABSENT = "absent"
    """404: the definition is not installed (yet)."""
    GONE = "gone"
    """410: the version is too old, as a status or inside a watch."""
    THROTTLED = "throttled"
    """429."""
    REFUSED = "refused"
    """Any other status than 200."""
    UNREADABLE = "unreadable"
    """An answer, or a line of a watch, that makes no sense."""
    MUTE = "mute"
    """A watch without a single line: maybe of a version that the server has never heard of."""


class ApiFailure(Exception):
    """The API did not give what was asked for. `retry_after_s` and `healthy_s` are read by `core.delays`."""

    def __init__(
        self,
        trouble: Trouble,
        problem: str,
        *,
        retry_after_s: float = 0.0,
        healthy_s: float = 0.0,
        stale_credentials: bool = False,
    ) -> None:
        """Keep the parts as attributes; the text is made of them."""
        super().__init__(f"{trouble.value}: {problem}")
        self.trouble = trouble
        self.problem = problem
        self.retry_after_s = retry_after_s
        self.healthy_s = healthy_s
        self.stale_credentials = stale_credentials


_BY_STATUS = {401: Trouble.NO_RIGHTS, 403: Trouble.NO_RIGHTS, 404: Trouble.ABSENT, 410: Trouble.GONE}


def failure_of_status(status: int, body: bytes, *, retry_after: str | None) -> ApiFailure:
    """The failure that an HTTP status other than 200 is."""
    text = body[:400].decode("utf-8", "replace").strip()
    trouble = Trouble.THROTTLED if status == 429 else _BY_STATUS.get(status, Trouble.REFUSED)
    return ApiFailure(
        trouble,
        f"HTTP {status} {text}".rstrip(),
        retry_after_s=retry_after_s(retry_after, now=datetime.now(UTC)),
        # An empty token is not refused as one: the request counts as anonymous, which has no rights.
        stale_credentials=status == 401 or (status == 403 and "system:anonymous" in text),
    )


FOREIGN_ERRORS = (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError, ConfigError, OSError)
"""What lightkube and httpx2 raise when a request gets no answer; `TimeoutError` is an OSError."""


def failure_of_error(error: Exception) -> ApiFailure:
    """The failure that one of `FOREIGN_ERRORS` is."""
    told = f"{type(error).__name__}: {error}".rstrip(": ")
    if isinstance(error, httpx2.DecodingError):
        return ApiFailure(Trouble.UNREADABLE, told)
    cause: BaseException | None = error
    stale = False
    while cause is not None:
        stale = stale or isinstance(cause, ConfigError | ssl.SSLError)
        cause = cause.__cause__ or cause.__context__
    return ApiFailure(Trouble.UNREACHABLE, told, stale_credentials=stale)
