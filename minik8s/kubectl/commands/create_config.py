"""`kubectl create configmap` and `kubectl create secret ...`."""

from __future__ import annotations

import base64
import posixpath
import re
from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import Any

from minik8s.kubectl.call import Call
from minik8s.kubectl.commands.helping import require_subcommand
from minik8s.kubectl.failures import Failure
from minik8s.kubectl.files import is_folder
from minik8s.kubectl.generate import Creation, begin
from minik8s.kubectl.gotext import compact_json, plain_json, quote
from minik8s.model.formats import config_map_key
from minik8s.model.metadata import Document

Add = Callable[[str, bytes], None]
_ENVIRONMENT_NAME = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*")


# -- where entries come from


def parse_literal(source: str) -> tuple[str, str]:
    """`key=value`; raises Failure."""
    key, equals, value = source.partition("=")
    if not equals or not key:
        raise Failure(f"invalid literal source {source}, expected key=value")
    return key, value


def parse_file_source(source: str) -> tuple[str, str]:
    """The key and the path of `[key=]path`; raises Failure."""
    count = source.count("=")
    if count == 0:
        return posixpath.basename(source.rstrip("/")) or source, source
    if count > 1:
        raise Failure("key names or file paths cannot contain '='")
    key, _, path = source.partition("=")
    if not key:
        raise Failure(f"key name for file path {path} missing")
    if not path:
        raise Failure(f"file path for key name {key} missing")
    return key, path


def _from_files(call: Call, sources: list[str], add: Add) -> None:
    for source in sources:
        key, path = parse_file_source(source)
        if not is_folder(call, path):
            add(key, _read(call, path))
            continue
        if "=" in source:
            raise Failure("cannot give a key name for a directory path")
        for name in sorted(call.io.list_dir(path)):
            inside = posixpath.join(path, name)
            if not is_folder(call, inside):
                add(name, call.io.read_file(inside))


def _read(call: Call, path: str) -> bytes:
    try:
        return call.io.read_file(path)
    except FileNotFoundError:
        raise Failure(f"error reading {path}: no such file or directory") from None


def _from_env_files(call: Call, paths: list[str], add: Add, what: str) -> None:
    for path in paths:
        if is_folder(call, path):
            raise Failure(f"env {what} file cannot be a directory")
        for key, value in _environment(call, _read(call, path), path):
            add(key, value.encode())


def _environment(call: Call, data: bytes, path: str) -> Iterator[tuple[str, str]]:
    for number, raw in enumerate(data.removeprefix(b"\xef\xbb\xbf").splitlines(), 1):
        try:
            line = raw.decode().lstrip()
        except UnicodeDecodeError:
            raise Failure(
                f"env file {path} contains invalid utf8 bytes at line {number}: "
                f"[{' '.join(map(str, raw))}]"
            ) from None
        if not line or line.startswith("#"):
            continue
        key, equals, value = line.partition("=")
        problem = environment_name_problem(key)
        if problem:
            raise Failure(f"{quote(key)} is not a valid key name: {problem}")
        yield key, value if equals else call.io.env.get(key, "")


def environment_name_problem(name: str) -> str:
    """What is wrong with an environment variable's name, or nothing."""
    if _ENVIRONMENT_NAME.fullmatch(name) is None:
        return (
            "a valid environment variable name must consist of alphabetic characters, digits, "
            "'_', '-', or '.', and must not start with a digit (e.g. 'my.env-name',  or "
            "'MY_ENV.NAME',  or 'MyEnvName1', regex used for validation is "
            "'[-._a-zA-Z][-._a-zA-Z0-9]*')"
        )
    if name in (".", ".."):
        return f"must not be '{name}'"
    return "must not start with '..'" if name.startswith("..") else ""


def _combined_badly(call: Call) -> bool:
    flags = call.flags
    return bool(flags.items("from-env-file")) and bool(
        flags.items("from-file") or flags.items("from-literal")
    )


# -- config maps


def configmap(call: Call) -> None:
    """Create a config map from files and literals."""
    creation = begin(call)
    flags = call.flags
    if _combined_badly(call):
        raise Failure("from-env-file cannot be combined with from-file or from-literal")
    text: dict[str, str] = {}
    binary: dict[str, str] = {}

    def add(key: str, data: bytes) -> None:
        _check_map_key(creation.name, key, text, binary)
        try:
            text[key] = data.decode()
        except UnicodeDecodeError:
            binary[key] = base64.b64encode(data).decode()

    _from_files(call, flags.items("from-file"), add)
    for source in flags.items("from-literal"):
        key, value = parse_literal(source)
        add(key, value.encode())
    _from_env_files(call, flags.items("from-env-file"), add, "config")
    document: Document = {"apiVersion": "v1", "kind": "ConfigMap"}
    document["metadata"] = creation.metadata()
    if text:
        document["data"] = dict(sorted(text.items()))
    if binary:
        document["binaryData"] = dict(sorted(binary.items()))
    if flags.on("append-hash"):
        hashed: Document = {"kind": "ConfigMap", "name": creation.name, "data": text}
        if binary:
            hashed["binaryData"] = binary
        document["metadata"]["name"] += "-" + _hash(hashed)
    creation.create(document, "failed to create configmap:")


def _check_map_key(name: str, key: str, text: dict[str, str], binary: dict[str, str]) -> None:
    problems = config_map_key(key)
    if problems:
        raise Failure(f"{quote(key)} is not a valid key name for a ConfigMap: {','.join(problems)}")
    for field, entries in (("Data", text), ("BinaryData", binary)):
        if key in entries:
            raise Failure(
                f"cannot add key {quote(key)}, another key by that name already exists in "
                f"{field} for ConfigMap {quote(name)}"
            )


def _hash(value: Any) -> str:
    digest = sha256(compact_json(value).encode()).hexdigest()[:10]
    return digest.translate(str.maketrans("013ae", "ghkmt"))


# -- secrets


def secret(call: Call) -> int:
    """`create secret` alone."""
    return require_subcommand(call)


def _secret_adder(data: dict[str, str]) -> Add:
    def add(key: str, value: bytes) -> None:
        problems = config_map_key(key)
        if problems:
            raise Failure(f"{quote(key)} is not valid key name for a Secret {';'.join(problems)}")
        if key in data:
            raise Failure(f"cannot add key {key}, another key by that name already exists")
        data[key] = base64.b64encode(value).decode()

    return add


def _create_secret(creation: Creation, kind: str, data: dict[str, str]) -> None:
    document: Document = {"apiVersion": "v1", "kind": "Secret", "metadata": creation.metadata()}
    if data:
        document["data"] = dict(sorted(data.items()))
    if kind:
        document["type"] = kind
    if creation.call.flags.on("append-hash"):
        hashed = {"kind": "Secret", "type": kind, "name": creation.name, "data": data}
        document["metadata"]["name"] += "-" + _hash(hashed)
    creation.create(document, "failed to create secret")


def secret_generic(call: Call) -> None:
    """Create a secret from files and literals."""
    creation = begin(call)
    flags = call.flags
    if _combined_badly(call):
        raise Failure("from-env-file cannot be combined with from-file or from-literal")
    data: dict[str, str] = {}
    add = _secret_adder(data)
    for source in flags.items("from-literal"):
        key, value = parse_literal(source)
        add(key, value.encode())
    _from_files(call, flags.items("from-file"), add)
    _from_env_files(call, flags.items("from-env-file"), add, "secret")
    _create_secret(creation, flags.text("type"), data)


def secret_docker_registry(call: Call) -> None:
    """Create a secret for an image registry."""
    creation = begin(call)
    flags = call.flags
    files = [
        source if "=" in source else f".dockerconfigjson={source}"
        for source in flags.items("from-file")
    ]
    user, password = flags.text("docker-username"), flags.text("docker-password")
    server = flags.text("docker-server")
    if not files and not (user and password and server):
        raise Failure(
            "either --from-file or the combination of --docker-username, --docker-password and "
            "--docker-server is required"
        )
    data: dict[str, str] = {}
    if files:
        _from_files(call, files, _secret_adder(data))
    else:
        entry = {"username": user, "password": password}
        if flags.text("docker-email"):
            entry["email"] = flags.text("docker-email")
        entry["auth"] = base64.b64encode(f"{user}:{password}".encode()).decode()
        text = plain_json({"auths": {server: entry}})
        data[".dockerconfigjson"] = base64.b64encode(text.encode()).decode()
    _create_secret(creation, "kubernetes.io/dockerconfigjson", data)


def secret_tls(call: Call) -> None:
    """Create a secret of a certificate and its key."""
    creation = begin(call)
    flags = call.flags
    if not (flags.text("key") and flags.text("cert")):
        raise Failure("key and cert must be specified")
    data = {}
    for name, path, what in (
        ("tls.crt", flags.text("cert"), "certificate"),
        ("tls.key", flags.text("key"), "key"),
    ):
        try:
            content = call.io.read_file(path)
        except FileNotFoundError:
            raise Failure(
                f"Cannot read file {path}, open {path}: no such file or directory"
            ) from None
        if b"-----BEGIN" not in content:
            raise Failure(f"tls: failed to find any PEM data in {what} input")
        data[name] = base64.b64encode(content).decode()
    _create_secret(creation, "kubernetes.io/tls", data)
