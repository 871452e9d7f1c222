"""The image catalogue: what each container image brings (`data/images.yaml`).

An image reference is matched by the end of its repository path, so that registries, mirrors
and tags do not matter: `docker.io/library/nginx:1.27` and `mirror.local/nginx` are `nginx`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any, Literal

Libc = Literal["musl", "glibc"]
ResolverKind = Literal["musl", "glibc", "c-ares", "go"]
ShellKind = Literal["ash", "dash", "bash", ""]

UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Image:
    """One image.

    `programs` maps a name in PATH or an absolute path to an implementation, `tools` are names
    that the shell engine provides, `shell` is what `sh` is; `entrypoint` and `command` are
    those of the image, `ports` what its own server listens on, `files` its own files by path.
    """

    name: str
    programs: Mapping[str, str] = field(default_factory=dict)
    tools: frozenset[str] = frozenset()
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    libc: Libc = "musl"
    resolver: ResolverKind = "musl"
    curl: str = ""
    shell: ShellKind = ""
    user: str = "root"
    workdir: str = "/"
    os_release: str = ""
    ports: tuple[tuple[str, int], ...] = ()
    files: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def known(self) -> bool:
        """Whether the catalogue describes the image."""
        return self.name != UNKNOWN


def repository(reference: str) -> str:
    """The repository of an image reference, without tag and digest.

    >>> repository("docker.io/library/nginx:1.27"), repository("localhost:5000/app")
    ('docker.io/library/nginx', 'localhost:5000/app')
    """
    reference = reference.split("@")[0]
    head, colon, tag = reference.rpartition(":")
    return reference if not colon or "/" in tag else head


@cache
def _catalogue() -> Mapping[str, Any]:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    text = files("minik8s").joinpath("data/images.yaml").read_text(encoding="utf-8")
    found = yaml.load(text, Loader=loader)  # noqa: S506 - one of the two safe loaders
    assert isinstance(found, dict)
    return found


@cache
def _index() -> Mapping[str, Mapping[str, Any]]:
    index: dict[str, Mapping[str, Any]] = {}
    for entry in _catalogue()["images"]:
        for name in entry["names"]:
            index.setdefault(name, entry)
    return index


@cache
def find_image(reference: str) -> Image:
    """The image that a reference names; one that nobody has described is `unknown`."""
    parts = repository(reference).split("/")
    for start in range(len(parts)):
        name = "/".join(parts[start:])
        if name in _index():
            return _image(_index()[name]["names"][0])
    return _image(UNKNOWN)


@cache
def _image(name: str) -> Image:
    catalogue = _catalogue()
    entry = catalogue[UNKNOWN] if name == UNKNOWN else _index()[name]
    family = catalogue["families"].get(entry.get("family"), {})
    merged = {**family, **entry}
    sets = [catalogue["sets"][each] for each in (*family.get("sets", ()), *entry.get("sets", ()))]
    programs = _merge(each.get("programs") for each in (*sets, entry))
    return Image(
        name=name,
        programs=programs,
        tools=frozenset(word for each in sets for word in each.get("tools", "").split()),
        entrypoint=tuple(merged.get("entrypoint", ())),
        command=tuple(entry.get("default") or merged.get("command", ())),
        env=merged.get("env", {}),
        libc=merged.get("libc", "musl"),
        resolver=merged.get("resolver", "musl"),
        curl=merged.get("curl", ""),
        shell=merged.get("shell", ""),
        user=merged.get("user", "root"),
        workdir=merged.get("workdir", "/"),
        os_release=_os_release(_merge((family.get("os_release"), entry.get("os_release")))),
        ports=tuple(_port(text) for text in merged.get("ports", ())),
        files={path: text.encode() for path, text in merged.get("files", {}).items()},
    )


def _merge(mappings: Iterable[Mapping[str, str] | None]) -> dict[str, str]:
    merged: dict[str, str] = {}
    for mapping in mappings:
        merged.update(mapping or {})
    return merged


def _port(text: str) -> tuple[str, int]:
    number, _, protocol = text.partition("/")
    return protocol, int(number)


def _os_release(values: Mapping[str, str]) -> str:
    def quoted(value: str) -> str:
        return value if value.isalnum() else f'"{value}"'

    return "".join(f"{key}={quoted(str(value))}\n" for key, value in values.items())
