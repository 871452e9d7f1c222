"""Objects in the person's editor: again and again until the server takes them or nothing changes.

What is done with the edited objects is the *action*: patch them (`kubectl edit`), create them
(`create --edit`), or change the last-applied annotation (`apply edit-last-applied`).
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from minik8s.errors import ApiError, Invalid, NotFound
from minik8s.kubectl.call import Call
from minik8s.kubectl.failures import Exit, Failure
from minik8s.kubectl.files import Source, validation_problem
from minik8s.kubectl.gotext import canonical, indented_json, quote
from minik8s.kubectl.output import without_managed_fields
from minik8s.kubectl.selecting import select
from minik8s.kubectl.selection import Query, Target
from minik8s.kubectl.yamlin import ParseError, yaml_document
from minik8s.kubectl.yamlout import yaml_text

OBJECT_HEADER = """\
# Please edit the object below. Lines beginning with a '#' will be ignored,
# and an empty file will abort the edit. If an error occurs while saving this file will be
# reopened with the relevant failures.
#
"""
APPLIED_HEADER = """\
# Please edit the 'last-applied-configuration' annotations below.
# Lines beginning with a '#' will be ignored, and an empty file will abort the edit.
#
"""
SOURCE = "edited-file"


@dataclass(slots=True)
class Results:
    """What became of one round of editing."""

    reasons: list[str] = field(default_factory=list)
    """Why the editor opens again, for the top of the file."""
    retryable: int = 0
    missing: int = 0

    def add(self, error: ApiError, target: Target) -> str:
        """Note an error of the server; what to say about it."""
        resource = target.kind.resource
        name = quote(target.name)
        if isinstance(error, Invalid):
            causes = [f"{cause.field}: {cause.message}" for cause in error.causes]
            self.reasons.append(_reason(f"{resource} {name} was not valid", causes))
            return f"error: {resource} {name} is invalid\n"
        if isinstance(error, NotFound):
            self.missing += 1
            return f"error: {resource} {name} could not be found on the server\n"
        self.retryable += 1
        return f"error: {resource} {name} could not be patched: {error.message}\n"


def _reason(head: str, causes: Sequence[str]) -> str:
    lines = [f"# {_hashed(head)}{':' if causes else ''}\n"]
    lines += [f"# * {_hashed(cause)}\n" for cause in causes]
    return "".join([*lines, "#\n"])


def _hashed(text: str) -> str:
    return text.replace("\n", "\n# ")


Action = Callable[[Sequence[Target], Sequence[Target], Results], None]
"""Gets the objects as they were, and as they are edited."""


@dataclass(slots=True)
class Editing:
    """One visit to the editor, with all its rounds."""

    call: Call
    header: str
    action: Action
    targets: Sequence[Target]
    path: str = ""

    def run(self) -> None:
        """Edit until everything is done; raises Exit or Failure if it cannot be."""
        original = self._printed()
        text, edited, reasons = self.header + original, "", ""
        while True:
            before, edited = edited, self._edited(text)
            if reasons and _bare(before) == _bare(edited):
                raise self._kept(Failure("Edit cancelled, no valid changes were saved."))
            problem = self._invalid(edited)
            if problem:
                reasons = problem
                text = self.header + reasons + _without_comments(edited)
                continue
            if _bare(self.header + original) == _bare(edited):
                self.call.err("Edit cancelled, no changes made.\n")
                return
            if not _without_comments(edited).strip():
                self.call.err("Edit cancelled, saved file was empty.\n")
                return
            reasons = self._act(edited)
            if not reasons:
                return
            text = self.header + reasons + _without_comments(edited)

    def _printed(self) -> str:
        documents = [without_managed_fields(target.object) for target in self.targets]
        if len(documents) == 1:
            shown = documents[0]
        else:
            shown = {"apiVersion": "v1", "items": documents, "kind": "List", "metadata": {}}
        if self.call.flags.text("output") == "json":
            return indented_json(canonical(shown)) + "\n"
        return yaml_text(shown)

    def _edited(self, text: str) -> str:
        call = self.call
        number = zlib.crc32(f"{text}{call.io.now()}".encode())
        folder = call.io.env.get("TMPDIR", "/tmp")
        ending = "json" if call.flags.text("output") == "json" else "yaml"
        self.path = f"{folder}/kubectl-edit-{number}.{ending}"
        return call.io.edit(text, self.path)

    def _invalid(self, edited: str) -> str:
        """What kubectl itself finds wrong with the edited file, for the top of the next one."""
        if self.call.validation() == "Ignore":
            return ""
        try:
            why = validation_problem(yaml_document(_without_comments(edited)))
        except ParseError as error:
            why = str(error).removeprefix("error converting YAML to JSON: ")
        if not why:
            return ""
        target = self.targets[0]
        title = f"{target.kind.resource} {quote(target.name)}"
        self.call.err(f"error: {title} is invalid\n")
        cause = f'<nil>: Invalid value: "The edited file failed validation": {why}'
        return _reason(f"{title} was not valid", [cause])

    def _act(self, edited: str) -> str:
        """Do what was edited; why the editor must open again, or nothing."""
        try:
            updated = self._parsed(edited)
        except Failure as error:
            return _reason(f"The edited file had a syntax error: {error}", [])
        namespace = self.call.namespace
        for target in updated:
            if target.kind.namespaced and (target.namespace or namespace) != namespace:
                raise self._kept(
                    Failure(
                        "the namespace from the provided object "
                        f"{quote(target.namespace)} does not match the namespace "
                        f"{quote(namespace)}. You must pass '--namespace={target.namespace}' to "
                        "perform this operation."
                    )
                )
        results = Results()
        try:
            self.action(self.targets, updated, results)
        except (ApiError, Failure) as error:
            raise self._kept(error) from None
        if results.retryable:
            self.call.err(
                f"You can run `kubectl replace -f {self.path}` to try this update again.\n"
            )
            raise Exit(1)
        if results.missing:
            self.call.err(
                f"The edits you made on deleted resources have been saved to {quote(self.path)}\n"
            )
            raise Exit(1)
        return "".join(results.reasons)

    def _parsed(self, edited: str) -> list[Target]:
        query = Query(self.call, files=False, default_namespace=False, fetch=False)
        source = Source(SOURCE, data=edited.encode())
        targets, error = select(query, source).targets()
        if error is not None:
            raise Failure(str(error))
        return targets

    def _kept(self, error: Exception) -> Exception:
        """An error, after telling where the edited file is."""
        self.call.err(f"A copy of your changes has been stored to {quote(self.path)}\n")
        return error


def _without_comments(text: str) -> str:
    lines = text.splitlines(keepends=True)
    return "".join(line for line in lines if not line.lstrip().startswith("#"))


def _bare(text: str) -> Any:
    """What a file says apart from comments: its value, or its other lines."""
    try:
        return yaml_document(text)
    except ParseError:
        return _without_comments(text)


def same_object(targets: Sequence[Target], edited: Target) -> Target:
    """The object as it was, found by its uid; raises Failure for another object."""
    uid = (edited.object.get("metadata") or {}).get("uid")
    for target in targets:
        if (target.object.get("metadata") or {}).get("uid") == uid:
            return target
    raise Failure(f"no original object found for {edited.object}")


def in_its_namespace(call: Call, target: Target) -> Target:
    """An edited object whose namespace is the command's if it names none."""
    if target.namespace or not target.kind.namespaced:
        return target
    return replace(target, namespace=call.namespace)
