"""`kubectl set env`."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass

from minik8s.errors import ApiError
from minik8s.kubectl.call import Call
from minik8s.kubectl.commands.run import VARIABLE
from minik8s.kubectl.describe.environment import pod_field
from minik8s.kubectl.failures import COLLECTED, Failure
from minik8s.kubectl.generate import without_empty
from minik8s.kubectl.gotext import quote
from minik8s.kubectl.podspecs import pod_spec, selected, with_pod_spec
from minik8s.kubectl.selection import Target
from minik8s.kubectl.setting import (
    ALL_AND_SELECTOR,
    check_dry_run,
    targets_of,
    write_changes,
)
from minik8s.model.metadata import Document
from minik8s.model.registry import CONFIG_MAP, SECRET

_CHANGE = re.compile(r".+=.*", re.DOTALL)
_NAME_RULE = (
    "a valid environment variable name must consist of alphabetic characters, digits, '_', '-', "
    "or '.', and must not start with a digit (e.g. 'my.env-name',  or 'MY_ENV.NAME',  or "
    "'MyEnvName1', regex used for validation is '[-._a-zA-Z][-._a-zA-Z0-9]*')"
)


@dataclass(frozen=True, slots=True)
class _Changes:
    """Variables to set and to remove."""

    new: Sequence[Document]
    removed: Sequence[str]

    def apply(self, old: Sequence[Document]) -> list[Document]:
        """The variables afterwards: changed ones keep their place, new ones come last."""
        named = {each["name"]: each for each in reversed(self.new)}
        done = set(self.removed)
        result: list[Document] = []
        for each in old:
            name = each["name"]
            if name not in done:
                result.append(named.get(name, each))
                if name in named:
                    done.add(name)
        for each in self.new:
            if each["name"] not in done:
                done.add(each["name"])
                result.append(each)
        return result


def run(call: Call) -> None:
    """Change the environment of containers, or list it."""
    flags = call.flags
    if flags.on("all") and flags.text("selector"):
        raise Failure(ALL_AND_SELECTOR)
    resources, words = _split(call.arguments)
    check_dry_run(call)
    if not (flags.items("filename") or resources):
        raise Failure(
            "one or more resources must be specified as <resource> <name> or <resource>/<name>"
        )
    if flags.on("list") and flags.text("output"):
        raise Failure("--list and --output may not be specified together")
    if flags.items("keys") and not flags.text("from"):
        raise Failure("when specifying --keys, a configmap or secret must be provided with --from")
    new, removed = _parse(call, [*flags.items("env"), *words])
    if flags.text("from"):
        new += _imported(call)
    prefix = flags.text("prefix")
    changes = _Changes([{**each, "name": prefix + each["name"]} for each in new], removed)
    targets = targets_of(call, resources)
    if flags.on("list"):
        for target in targets:
            _list(call, target, changes)
        return
    write_changes(
        call,
        targets,
        lambda target: _changed(call, target, changes),
        "env updated",
        "failed to patch env update to pod template:",
    )


def _split(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    resources: list[str] = []
    changes: list[str] = []
    for argument in arguments:
        if _CHANGE.fullmatch(argument) or argument.endswith("-"):
            changes.append(argument)
        elif changes:
            raise Failure(
                f"all resources must be specified before environment changes: {' '.join(arguments)}"
            )
        else:
            resources.append(argument)
    return resources, changes


def _parse(call: Call, words: Sequence[str]) -> tuple[list[Document], list[str]]:
    new: list[Document] = []
    removed: list[str] = []
    for word in words:
        name, found, value = word.partition("=")
        if word == "-":
            new += _typed(call.io.stdin or "")
            call.io.stdin = ""
        elif found:
            if not VARIABLE.fullmatch(name):
                raise Failure(f"{quote(name)} is not a valid key name: {_NAME_RULE}")
            new.append(without_empty(name=name, value=value))
        elif word.endswith("-"):
            removed.append(word[:-1])
        else:
            raise Failure(f"unknown environment variable: {word}")
    if any(each["name"] in removed for each in new):
        raise Failure(
            "can not both modify and remove the same environment variable in the same command"
        )
    return new, removed


def _typed(text: str) -> list[Document]:
    """Variables from standard input, one a line."""
    lines = [line.partition("#")[0] for line in text.splitlines()]
    pairs = [line.partition("=") for line in lines if "=" in line]
    return [without_empty(name=name, value=value) for name, _, value in pairs]


def _imported(call: Call) -> list[Document]:
    """A variable for each key of the ConfigMap or Secret that `--from` names."""
    keys = call.flags.items("keys")
    variables: list[Document] = []
    for target in targets_of(call, [call.flags.text("from")]):
        if target.kind not in (CONFIG_MAP, SECRET):
            raise Failure("unsupported resource specified in --from")
        field = "secretKeyRef" if target.kind == SECRET else "configMapKeyRef"
        for key in sorted(target.object.get("data") or {}):
            if not keys or key in keys:
                reference = {"name": target.name, "key": key}
                name = _variable_name(call, key)
                variables.append({"name": name, "valueFrom": {field: reference}})
    return variables


def _variable_name(call: Call, key: str) -> str:
    name = re.sub(r"[^a-zA-Z0-9_]", "_", key).upper()
    if name != key:
        call.warning_line(f"key {key} transferred to {name}")
    return name


def _changed(call: Call, target: Target, changes: _Changes) -> Document:
    spec = pod_spec(target.kind, target.object)
    pattern = call.flags.text("containers")
    found = False
    for field in ("containers", "initContainers"):
        containers = list(spec.get(field) or ())
        for place in selected(spec, field, pattern):
            found = True
            container = containers[place]
            if not call.flags.on("overwrite"):
                _refuse_overwriting(container, changes)
            kept = {key: value for key, value in container.items() if key != "env"}
            variables = changes.apply(container.get("env") or ())
            containers[place] = {**kept, **without_empty(env=variables)}
        if containers:
            spec = {**spec, field: containers}
    if not found:
        _warn_of_nothing(call, target)
    return with_pod_spec(target.kind, target.object, spec)


def _warn_of_nothing(call: Call, target: Target) -> None:
    call.warning_line(
        f"{target.kind.kind}/{target.name} does not have any containers matching "
        f"{quote(call.flags.text('containers'))}"
    )


def _refuse_overwriting(container: Document, changes: _Changes) -> None:
    old = {each["name"]: each.get("value", "") for each in container.get("env") or ()}
    for each in changes.new:
        name = each["name"]
        if name in old and old[name] != each.get("value", ""):
            raise Failure(f"'{name}' already has a value ({old[name]}), and --overwrite is false")


# -- listing


def _list(call: Call, target: Target, changes: _Changes) -> None:
    try:
        spec = pod_spec(target.kind, target.object)
    except Failure:
        return
    pattern = call.flags.text("containers")
    chosen = [
        spec[field][place]
        for field in ("containers", "initContainers")
        for place in selected(spec, field, pattern)
    ]
    if not chosen:
        _warn_of_nothing(call, target)
    for container in chosen:
        kind = target.kind.kind
        call.out(f"# {kind} {target.name}, container {container['name']}\n")
        problems: dict[str, list[str]] = {}
        for variable in changes.apply(container.get("env") or ()):
            call.out(_listed(call, target, variable, problems))
        lines = [
            f"error retrieving reference for {', '.join(sorted(names))}: {why}\n"
            for why, names in problems.items()
        ]
        call.err("".join(sorted(lines)))


def _listed(call: Call, target: Target, variable: Document, problems: dict[str, list[str]]) -> str:
    name, source = variable["name"], variable.get("valueFrom")
    if source is None:
        return f"{name}={variable.get('value', '')}\n"
    if call.flags.on("resolve"):
        try:
            return f"{name}={_resolved(call, target, source)}\n"
        except COLLECTED as error:
            why = error.message if isinstance(error, ApiError) else str(error)
            problems.setdefault(why, []).append(name)
    return f"# {name} from {_reference(source)}\n"


def _reference(source: Document) -> str:
    if found := source.get("configMapKeyRef"):
        return f"configmap {found.get('name', '')}, key {found.get('key', '')}"
    if found := source.get("secretKeyRef"):
        return f"secret {found.get('name', '')}, key {found.get('key', '')}"
    if found := source.get("fieldRef"):
        return f"field path {found.get('fieldPath', '')}"
    if found := source.get("resourceFieldRef"):
        container = f"{found['containerName']}/" if found.get("containerName") else ""
        return f"resource field {container}{found.get('resource', '')}"
    return "invalid valueFrom"


def _resolved(call: Call, target: Target, source: Document) -> str:
    for field, kind, word in (
        ("configMapKeyRef", CONFIG_MAP, "config map"),
        ("secretKeyRef", SECRET, "secret"),
    ):
        if field in source:
            name, key = source[field].get("name", ""), source[field].get("key", "")
            data = call.client.get(kind, name, call.namespace).get("data") or {}
            if key not in data:
                raise Failure(f"key {key} not found in {word} {name}")
            value = str(data[key])
            return base64.b64decode(value).decode(errors="replace") if kind == SECRET else value
    path = (source.get("fieldRef") or {}).get("fieldPath", "")
    found = pod_field(target.object, path)
    if not found:
        raise Failure(f"unsupported fieldPath: {path}" if path else "invalid valueFrom")
    return found
