"""`kubectl wait`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from minik8s.client import Client
from minik8s.errors import NotFound
from minik8s.kubectl.call import Call
from minik8s.kubectl.failures import Failure
from minik8s.kubectl.gotext import quote
from minik8s.kubectl.govalue import go_value
from minik8s.kubectl.jsonpath import JSONPath, JSONPathError, relaxed
from minik8s.kubectl.output import object_printer
from minik8s.kubectl.selecting import select
from minik8s.kubectl.selection import Query, Selection, Target
from minik8s.kubectl.setting import LOCAL
from minik8s.kubectl.waiting import FOR_EVER, find, ticks
from minik8s.model.metadata import Document

_TIMED_OUT = "timed out waiting for the condition"

Check = Callable[[Document], bool]
"""Whether an object is as it should be."""


@dataclass(slots=True)
class _Patience:
    """The time that is left, for all objects together."""

    client: Client
    left: float

    def until(self, done: Callable[[], bool]) -> bool:
        """Wait until something holds; False if the time is over before."""
        for passed in ticks(self.client, self.left):
            if done():
                self.left -= passed
                return True
        self.left = 0.0
        return False


@dataclass(frozen=True, slots=True)
class _Wait:
    """One `--for`: what it waits for, in words (`create`, `delete`) or as a check."""

    word: str = ""
    check: Check | None = None


def run(call: Call) -> None:
    """Wait until objects are as they should be."""
    printer = object_printer(call, "condition met")
    waits = _waits(call.flags.items("for"))
    timeout = call.flags.seconds("timeout")
    timeout = FOR_EVER if timeout < 0 else timeout
    patience = _Patience(call.client, timeout)
    if any(wait.word == "create" for wait in waits):
        _wait_for_creation(call, patience)
    visited: list[Target] = []

    def visit(target: Target) -> None:
        visited.append(target)
        for wait in waits:
            printer(_wait_for(target, wait, patience, timeout))

    deletes = any(wait.word == "delete" for wait in waits)
    _selection(call, ignore_missing=deletes).visit(visit)
    if not visited and not deletes:
        raise Failure("no matching resources found")


def _selection(call: Call, *, ignore_missing: bool = False) -> Selection:
    flags = call.flags
    local = flags.on("local")
    if local and call.arguments:
        raise Failure(LOCAL)
    selection = select(
        Query(
            call,
            namespace=call.namespace,
            arguments=() if local else tuple(call.arguments),
            enforce_namespace=call.namespace_given,
            all_namespaces=flags.on("all-namespaces"),
            labels="" if local else flags.text("selector"),
            fields="" if local else flags.text("field-selector"),
            empty_selector=flags.on("all"),
            latest=not local,
            local=local,
        )
    )
    selection.ignored = (NotFound,) if ignore_missing else ()
    return selection


# -- what to wait for


def _waits(conditions: Sequence[str]) -> list[_Wait]:
    waits = []
    for text in conditions:
        if text.lower() in ("delete", "create"):
            waits.append(_Wait(text.lower()))
        elif text.startswith("condition="):
            name, _, value = text.removeprefix("condition=").partition("=")
            given = "=" in text.removeprefix("condition=")
            waits.append(_Wait(check=_condition(name, value if given else "true")))
        elif text.startswith("jsonpath="):
            waits.append(_Wait(check=_jsonpath(text.removeprefix("jsonpath="))))
        else:
            raise Failure(f"unrecognized condition: {quote(text)}")
    if not waits:
        raise Failure("unrecognized condition: []")
    return waits


def _condition(name: str, value: str) -> Check:
    """The check for a condition in the object's status."""

    def check(document: Document) -> bool:
        status = document.get("status") or {}
        for condition in status.get("conditions") or ():
            if str(condition.get("type", "")).casefold() != name.casefold():
                continue
            generation = (document.get("metadata") or {}).get("generation", 0)
            observed = condition.get("observedGeneration", status.get("observedGeneration"))
            if observed is not None and observed < generation:
                return False
            return str(condition.get("status", "")).casefold() == value.casefold()
        return False

    return check


def _jsonpath(text: str) -> Check:
    """The check for a field, with a value or just for being there."""
    parts = _parts(text)
    if len(parts) > 2:
        raise Failure(
            "jsonpath wait format must be --for=jsonpath='{.status.readyReplicas}'=3 or "
            "--for=jsonpath='{.status.readyReplicas}'"
        )
    try:
        expression = relaxed(parts[0])
        if not expression:
            raise Failure("jsonpath expression cannot be empty")
        value = parts[1].strip("'\"") if len(parts) == 2 else None
        if value == "":
            raise Failure(
                "jsonpath wait has to have a value after equal sign, like "
                "--for=jsonpath='{.status.readyReplicas}'=3"
            )
        path = JSONPath(expression, allow_missing=True)
    except JSONPathError as error:
        raise Failure(str(error)) from None
    return lambda document: _has(path, document, value)


def _parts(text: str) -> list[str]:
    """A text cut at each `=`; `==` stays."""
    return [part.replace("\0", "==") for part in text.replace("==", "\0").split("=")]


def _has(path: JSONPath, document: Document, value: str | None) -> bool:
    try:
        found = path.find(document)
    except JSONPathError as error:
        raise Failure(str(error)) from None
    if not found or not found[0]:
        return False
    if len(found) > 1:
        raise Failure("given jsonpath expression matches more than one list")
    if len(found[0]) > 1:
        raise Failure("given jsonpath expression matches more than one value")
    return value is None or _is(found[0][0], value)


def _is(found: Any, value: str) -> bool:
    if isinstance(found, dict | list):
        raise Failure("jsonpath leads to a nested object or list which is not supported")
    return go_value(found).strip() == value.strip()


# -- waiting


def _wait_for_creation(call: Call, patience: _Patience) -> None:
    found: list[Target] = []

    def look() -> bool:
        try:
            _selection(call).visit(found.append)
        except NotFound:
            return False
        return bool(found)

    if not patience.until(look):
        raise Failure(_TIMED_OUT)


def _wait_for(target: Target, wait: _Wait, patience: _Patience, timeout: float) -> Document:
    """The object when it is as it should be; raises Failure when the time is over."""
    if not target.name:
        raise Failure("resource name must be provided")
    if wait.word == "create":
        return target.object
    last: list[Document] = []

    def look() -> bool:
        document = find(patience.client, target.kind, target.namespace, target.name)
        if document is not None:
            last.append(document)
        if wait.check is None:
            return document is None
        if document is None:
            raise NotFound.resource(target.kind.plural, target.kind.group, target.name)
        return wait.check(document)

    # The time is for all objects together: those that come after its end are not looked at.
    in_time = wait.check is None or not timeout or patience.left > 0
    if in_time and patience.until(look):
        return last[-1] if last else target.object
    if not timeout:
        raise Failure(f"condition not met for {target.title}")
    raise Failure(f"{_TIMED_OUT} on {target.title}")
