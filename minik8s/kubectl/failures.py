"""What goes wrong in a command, and the words in which kubectl says so.

`Failure` is kubectl's own error, printed after `error: `; an `ApiError` is the server's, printed
as `Error from server (REASON): ...`; `Several` are errors met one after the other; `Exit` ends
the command with a code and nothing (or only its own text) printed.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Sequence
from urllib.parse import urlsplit

from minik8s.errors import ApiError, Invalid, Unauthorized
from minik8s.kubectl.gotext import quote


class Failure(Exception):
    """An error of kubectl itself."""

    @property
    def text(self) -> str:
        """The message, without `error: `."""
        return str(self)


class UsageFailure(Failure):
    """A command line that makes no sense, with a hint where to look."""

    def __init__(self, message: str, path: str) -> None:
        super().__init__(f"{message}\nSee '{path} -h' for help and examples")


class Unreachable(Failure):
    """No server answers at an address."""

    def __init__(self, server: str) -> None:
        self.server = server if "//" in server else f"https://{server}"
        parts = urlsplit(self.server)
        host, port = parts.hostname or "", parts.port or (80 if parts.scheme == "http" else 443)
        super().__init__(
            f"The connection to the server {parts.netloc} was refused - did you specify the right "
            "host or port?"
        )
        address = "127.0.0.1" if host == "localhost" else host
        self.dial = f"dial tcp {address}:{port}: connect: connection refused"

    def asked(self, method: str, path: str) -> str:
        """The failure of one request, as Go's net/http tells it."""
        return f'{method} "{self.server}{path}": {self.dial}'


class NoSuchResource(Failure):
    """The server serves nothing by this name."""

    def __init__(self, resource: str, group: str = "", version: str = "") -> None:
        text = f"the server doesn't have a resource type {quote(resource)}"
        if group:
            text += f" in group {quote(group)}"
        if version:
            text += f" and version {quote(version)}" if group else f" in version {quote(version)}"
        super().__init__(text)


class Several(Exception):
    """Errors that were met one after the other."""

    def __init__(self, errors: Sequence[Exception]) -> None:
        super().__init__(", ".join(map(message_of, errors)))
        self.errors = tuple(errors)


class Exit(Exception):
    """The end of a command with an exit code; `text` is printed as it is."""

    def __init__(self, code: int, text: str = "") -> None:
        super().__init__(text)
        self.code = code
        self.text = text


def message_of(error: Exception) -> str:
    """The bare message of an error."""
    return error.message if isinstance(error, ApiError) else str(error)


def errors_in(error: Exception | None) -> list[Exception]:
    """The errors that one stands for: none, itself, or those that were met together."""
    if isinstance(error, Several):
        return list(error.errors)
    return [] if error is None else [error]


def raise_all(errors: Sequence[Exception]) -> None:
    """Raise what was collected: nothing, one error, or several."""
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise Several(errors)


def with_message(error: ApiError, message: str) -> ApiError:
    """The same error with another message."""
    changed = copy.copy(error)
    changed.message = message
    changed.args = (message,)
    return changed


def add_source(verb: str, source: str, error: Exception) -> Exception:
    """An error that tells which file it came from: `error when creating "f.yaml": ...`."""
    if not source:
        return error
    message = f"error when {verb} {quote(source)}: {message_of(error)}"
    return with_message(error, message) if isinstance(error, ApiError) else Failure(message)


def standard_message(error: Exception) -> str | None:
    """The server's errors in kubectl's words; None for any other error."""
    if isinstance(error, Unauthorized):
        return f"error: You must be logged in to the server ({error.message})"
    if isinstance(error, ApiError):
        reason = f" ({error.reason})" if error.reason else ""
        return f"Error from server{reason}: {error.message}"
    if isinstance(error, Unreachable):
        return str(error)
    return None


def explain(error: Exception) -> tuple[str, int]:
    """What to print for an error, and the exit code (cmdutil.CheckErr)."""
    if isinstance(error, Several) and len(error.errors) == 1:
        error = error.errors[0]
    if isinstance(error, Exit):
        return _line(error.text), error.code
    if isinstance(error, Invalid):
        return _invalid(error), 1
    if isinstance(error, Several):
        return "".join(_line(standard_message(e) or message_of(e)) for e in error.errors), 1
    text = standard_message(error)
    if text is None:
        text = message_of(error)
        text = text if text.startswith("error: ") else f"error: {text}"
    return _line(text), 1


def _line(text: str) -> str:
    return text if not text or text.endswith("\n") else text + "\n"


def _invalid(error: Invalid) -> str:
    if not (error.kind or error.name or error.causes):
        return f"The request is invalid: {error.message}\n"
    if error.kind or error.name:
        text = f"The {error.kind} {quote(error.name)} is invalid"
    else:
        text = "The request is invalid"
    causes = list(dict.fromkeys(f"{c.field}: {c.message}" for c in error.causes))
    if not causes:
        return text + "\n"
    if len(causes) == 1:
        return f"{text}: {causes[0]}\n"
    return f"{text}: \n" + "".join(f"* {cause}\n" for cause in causes)


COLLECTED = (ApiError, Failure, Several)
"""What a command may go on after, to report it at the end."""


def each(calls: Iterable[Callable[[], None]]) -> None:
    """Make every call, whatever fails, and raise what failed at the end."""
    errors: list[Exception] = []
    for call in calls:
        try:
            call()
        except COLLECTED as error:
            errors += errors_in(error)
    raise_all(errors)
