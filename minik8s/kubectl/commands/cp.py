"""`kubectl cp`: files to and from containers, through the container's own tar."""

from __future__ import annotations

import io
import posixpath
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass

from minik8s.errors import InternalError
from minik8s.kubectl.call import Call
from minik8s.kubectl.failures import Exit, Failure
from minik8s.kubectl.gotext import quote
from minik8s.kubectl.pods import chosen_container, find_container, invalid_container
from minik8s.model.metadata import Document, name_of, namespace_of
from minik8s.model.registry import POD
from minik8s.model.workloads import is_terminal, pod_phase

_FORM = "filespec must match the canonical format: [[namespace/]pod:]file/path"


@dataclass(frozen=True, slots=True)
class Spec:
    """A file, of this computer (no pod) or of a pod."""

    file: str
    pod: str = ""
    namespace: str = ""

    @classmethod
    def parse(cls, text: str) -> Spec:
        """Read `[[namespace/]pod:]path`; raises Failure."""
        pod, colon, file = text.partition(":")
        if not colon:
            return cls(text)
        if not pod:
            raise Failure(_FORM)
        namespace, slash, name = pod.rpartition("/")
        if "/" in namespace or (slash and not (namespace and name)):
            raise Failure(_FORM)
        return cls(file, name, namespace)


def run(call: Call) -> None:
    """Copy a file or a folder."""
    if len(call.arguments) != 2:
        raise Failure("source and destination are required")
    source, destination = map(Spec.parse, call.arguments)
    if source.pod and destination.pod:
        raise Failure("one of src or dest must be a local file specification")
    if not (source.file and destination.file):
        raise Failure("filepath can not be empty")
    if source.pod:
        _from_pod(call, source, destination.file)
    elif destination.pod:
        _to_pod(call, source.file, destination)
    else:
        raise Failure("one of src or dest must be a remote file specification")


# -- to a pod


def _to_pod(call: Call, path: str, destination: Spec) -> None:
    if not _exists(call, path):
        raise Failure(f"{path} doesn't exist in local filesystem")
    pod = _pod(call, destination)
    container = _container(call, pod)
    target = posixpath.normpath(destination.file)
    if _exec(call, pod, container, ["test", "-d", target])[0] == 0:
        target = posixpath.join(target, posixpath.basename(posixpath.normpath(path)))
    folder, name = posixpath.split(target)
    command = ["tar", "-xmf", "-"]
    if call.flags.on("no-preserve"):
        command = ["tar", "--no-same-permissions", "--no-same-owner", "-xmf", "-"]
    if folder:
        command += ["-C", folder]
    code, _, errors = _exec(call, pod, container, command, _packed(call, path, name))
    call.err(errors)
    if code:
        raise Exit(code, f"command terminated with exit code {code}")


def _packed(call: Call, path: str, name: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for member, data in _members(call, path, name):
            archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def _members(call: Call, path: str, name: str) -> Iterator[tuple[tarfile.TarInfo, bytes]]:
    member = tarfile.TarInfo(name)
    member.mtime = int(call.io.now())
    try:
        data = call.io.read_file(path)
    except IsADirectoryError:
        children = call.io.list_dir(path)
        if not children:
            member.type, member.mode = tarfile.DIRTYPE, 0o755
            yield member, b""
        for child in children:
            yield from _members(call, posixpath.join(path, child), posixpath.join(name, child))
        return
    member.size = len(data)
    yield member, data


def _exists(call: Call, path: str) -> bool:
    try:
        call.io.read_file(path)
    except FileNotFoundError:
        return False
    except IsADirectoryError:
        return True
    return True


# -- from a pod


def _from_pod(call: Call, source: Spec, path: str) -> None:
    pod = _pod(call, source)
    command = ["tar", "cf", "-", source.file]
    code, data, errors = _exec(call, pod, _container(call, pod), command)
    call.err(errors)
    if code:
        raise Exit(code, f"command terminated with exit code {code}")
    prefix = _relative(source.file)
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for member in archive:
            if not member.name.startswith(prefix):
                raise Failure("tar contents corrupted")
            target = posixpath.join(path, *_relative(member.name[len(prefix) :]).split("/"))
            if member.issym():
                call.err(
                    f"warning: skipping symlink: {quote(target)} -> {quote(member.linkname)} "
                    f'(consider using "kubectl exec -n {quote(namespace_of(pod))} '
                    f'{quote(name_of(pod))} -- tar cf - {quote(source.file)} | tar xf -")\n'
                )
                continue
            inside = archive.extractfile(member) if member.isfile() else None
            if inside is not None:
                call.io.write_file(posixpath.normpath(target), inside.read())


def _relative(path: str) -> str:
    """A path without a slash in front, and without steps out of its folder."""
    clean = posixpath.normpath(path.strip("/")) if path.strip("/") else ""
    steps = [step for step in clean.split("/") if step not in ("", "..")]
    return "" if steps == ["."] else "/".join(steps)


# -- the pod


def _pod(call: Call, spec: Spec) -> Document:
    pod = call.client.get(POD, spec.pod, spec.namespace or call.namespace)
    if is_terminal(pod):
        raise Failure(
            "cannot exec into a container in a completed pod; current phase is " + pod_phase(pod)
        )
    return pod


def _container(call: Call, pod: Document) -> str:
    name = call.flags.text("container")
    if not name:
        return str(chosen_container(call, pod, "", quiet=False)["name"])
    if find_container(pod, name) is None:
        raise invalid_container(pod, name)
    return name


def _exec(
    call: Call, pod: Document, container: str, argv: list[str], stdin: bytes | None = None
) -> tuple[int, bytes, str]:
    """Run a program in the pod: its exit code, its output, and its errors as text."""
    try:
        session = call.client.exec(
            name_of(pod), argv, container, namespace_of(pod), stdin=stdin is not None
        )
    except InternalError as error:
        raise Failure(error.message) from None
    if stdin is not None:
        session.write_stdin(stdin)
    session.close_stdin()
    session.run()
    pieces = session.output()
    streams = [b"".join(data for stream, data in pieces if stream == number) for number in (1, 2)]
    return session.exit_code or 0, streams[0], streams[1].decode(errors="replace")
