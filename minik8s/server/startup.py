"""From the words of `minik8s serve` to a running server: cluster, data file, users, kubeconfig."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from minik8s.apiserver import ApiServer
from minik8s.apiserver.users import Student, UsersError, admit_users, read_users
from minik8s.journal import VERSION_GAP, Journal, JournalError, Saved
from minik8s.runtime import Runtime, kubeadm_profile
from minik8s.server.encoding import encode
from minik8s.server.kubeconfig import write_kubeconfig
from minik8s.server.limits import DEFAULT, Limits
from minik8s.server.options import Options, ServeError, names_of
from minik8s.server.serving import Server
from minik8s.server.tls import Pair, given_pair, make_pair
from minik8s.server.users import new_token
from minik8s.store import StoreEvent

DEFAULT_PORT = 6443


@dataclass(frozen=True, slots=True)
class Order:
    """What was asked for on the command line."""

    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    kubeconfig: Path | None = None
    data: Path | None = None
    nodes: int = 2
    seed: int = 1
    enforcement: bool = True
    users: Path | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None
    insecure_http: bool = False
    real_time: bool = False
    limits: Limits = DEFAULT


@dataclass(frozen=True, slots=True)
class Opened:
    """A server that is about to run; `written` are the kubeconfigs of the users."""

    server: Server
    runtime: Runtime
    kubeconfig: Path
    written: tuple[Path, ...] = ()


def open_server(order: Order, prepare: Callable[[Runtime], None] = lambda _: None) -> Opened:
    """Make or restore the cluster and bind the address; raises ServeError.

    `prepare` may put objects into the cluster before anybody sees it.
    """
    students = _students(order.users) if order.users is not None else ()
    try:
        journal = Journal(order.data, encode) if order.data is not None else None
        saved = journal.read() if journal is not None else Saved()
    except JournalError as error:
        raise ServeError(str(error)) from None
    runtime = _runtime(order, saved)
    prepare(runtime)
    _admit(runtime, students, order.users)
    options, facts = _options(order, saved.facts, students)
    if journal is not None:
        _begin(journal, runtime, saved, facts)
    server = Server(runtime, options, journal=journal)
    path = order.kubeconfig or default_kubeconfig(server.port)
    try:
        server.write_kubeconfig(path)
        written = _write_students(server, students, path, options)
    except OSError as error:
        raise ServeError(f"{error.filename}: {error.strerror}") from None
    return Opened(server, runtime, path, written)


def default_kubeconfig(port: int) -> Path:
    """Where the kubeconfig is written unless told: in a folder of ours at home."""
    name = "kubeconfig" if port == DEFAULT_PORT else f"kubeconfig-{port}"
    return Path.home() / ".minik8s" / name


def _runtime(order: Order, saved: Saved) -> Runtime:
    profile = kubeadm_profile(order.nodes, cni="cilium" if order.enforcement else "kindnet")
    if not saved.resource_version:
        return Runtime(seed=order.seed, profile=profile, start=time.time())
    # Names and uids must not come again: the restored cluster draws from another source.
    seed = order.seed + 1_000_003 * saved.resource_version
    return Runtime(seed=seed, profile=profile, start=time.time(), saved=saved.documents)


def _begin(journal: Journal, runtime: Runtime, saved: Saved, facts: dict[str, str]) -> None:
    """Bring the file and the cluster to the same state."""
    store = runtime.store
    if saved.resource_version:
        store.resource_version = max(store.resource_version, saved.resource_version + VERSION_GAP)
    events = [
        StoreEvent("ADDED", kind, document, None, store.resource_version)
        for kind in runtime.registry.shelves()
        for document in store.list(kind)
    ]
    try:
        journal.replace(events, {**saved.facts, **facts})
    except JournalError as error:
        raise ServeError(str(error)) from None


def _options(
    order: Order, facts: Any, students: tuple[Student, ...]
) -> tuple[Options, dict[str, str]]:
    """How to serve, and what of it a restarted server must know."""
    if (order.tls_cert is None) is not (order.tls_key is None):
        raise ServeError("--tls-cert and --tls-key belong together")
    plain = Options(order.host, order.port, real_time=order.real_time, limits=order.limits)
    if order.insecure_http:
        if order.tls_cert is not None or students:
            raise ServeError("--insecure-http knows neither certificates nor users")
        return plain, {}
    token = facts.get("token") or new_token()
    tokens = {facts.get(f"token/{s.user.name}") or new_token(): s.user for s in students}
    pair, new = _pair(order, facts)
    new["token"] = token
    new.update({f"token/{user.name}": each for each, user in tokens.items()})
    return replace(plain, pair=pair, token=token, tokens=tokens), new


def _pair(order: Order, facts: Any) -> tuple[Pair, dict[str, str]]:
    if order.tls_cert is not None and order.tls_key is not None:
        try:
            return given_pair(order.tls_cert, order.tls_key), {}
        except (OSError, UnicodeDecodeError) as error:
            raise ServeError(f"--tls-cert, --tls-key: {error}") from None
    kept = json.loads(facts.get("pair", "null"))
    if kept and kept["host"] == order.host and kept["until"] > time.time():
        return Pair(kept["certificate"], kept["key"], kept["ca"]), {}
    pair = make_pair(names_of(order.host))
    fresh = {
        "host": order.host,
        "until": time.time() + 300 * 86400,
        "certificate": pair.certificate,
        "key": pair.key,
        "ca": pair.ca,
    }
    return pair, {"pair": json.dumps(fresh)}


def _students(path: Path) -> tuple[Student, ...]:
    """The users of a file."""
    try:
        return read_users(path.read_text(encoding="utf-8"), str(path))
    except OSError as error:
        raise ServeError(f"{path}: {error.strerror}") from None
    except (UnicodeDecodeError, UsersError) as error:
        raise ServeError(str(error)) from None


def _admit(runtime: Runtime, students: tuple[Student, ...], path: Path | None) -> None:
    """Give the users their namespaces and rights."""
    try:
        admit_users(ApiServer(runtime), students, str(path))
    except UsersError as error:
        raise ServeError(str(error)) from None


def _write_students(
    server: Server, students: tuple[Student, ...], kubeconfig: Path, options: Options
) -> tuple[Path, ...]:
    """A kubeconfig for each user, beside the administrator's."""
    tokens = {user.name: token for token, user in options.tokens.items()}
    folder = kubeconfig.with_name(f"{kubeconfig.name}-users")
    written = []
    for student in students:
        name = student.user.name
        namespace = student.namespaces[0] if student.namespaces else ""
        path = folder / student.file_name
        write_kubeconfig(path, server.kubeconfig_for(name, tokens[name], namespace))
        written.append(path)
    return tuple(written)
