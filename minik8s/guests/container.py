"""One container as its programs see it: image, files, environment, host name, network.

Nothing is computed before a program asks for it: a cluster has many containers in which
nobody ever runs anything.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice
from random import Random
from typing import Literal, Protocol

from minik8s.guests.catalogue import Image
from minik8s.network import Host

LOG_LIMIT = 10_000
"""How many lines of a container's output are kept (a kubelet rotates logs at 10 MiB)."""


class Disk(Protocol):
    """Files by absolute path; a pod's shell brings one of its own."""

    def read(self, path: str) -> bytes | None:
        """What a file holds, or None."""

    def write(self, path: str, data: bytes) -> None:
        """Create or replace a file."""

    def list(self, path: str) -> list[str] | None:
        """The names in a folder, or None."""


class MemoryDisk:
    """Files in a dict, for a container whose shell nobody has started."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files

    def read(self, path: str) -> bytes | None:
        """What a file holds, or None."""
        return self.files.get(path)

    def write(self, path: str, data: bytes) -> None:
        """Create or replace a file."""
        self.files[path] = data

    def list(self, path: str) -> list[str] | None:
        """The names in a folder, or None."""
        start = path.rstrip("/") + "/"
        names = {name[len(start) :].split("/")[0] for name in self.files if name.startswith(start)}
        return sorted(names) if names or start == "/" else None


class Log:
    """The output of a container, line by line with the moment of each, bounded.

    Lines are numbered from the first one on, and keep their numbers when old ones are `dropped`.
    `ended` says that the container's program writes no more; `listeners` are called when it has
    written or ended, on the thread on which it did.
    """

    __slots__ = ("_lines", "_rest", "dropped", "ended", "listeners")

    def __init__(self, limit: int = LOG_LIMIT) -> None:
        self._lines: deque[tuple[float, bytes]] = deque(maxlen=limit)
        self._rest: tuple[float, bytes] | None = None
        self.dropped = 0
        self.ended = False
        self.listeners: list[Callable[[], None]] = []

    def write(self, when: float, data: bytes) -> None:
        """Add output; an unfinished line waits for its end."""
        start, text = self._rest or (when, b"")
        *lines, rest = (text + data).split(b"\n")
        for line in lines:
            if len(self._lines) == self._lines.maxlen:
                self.dropped += 1
            self._lines.append((start, line))
            start = when
        self._rest = (start, rest) if rest else None
        self._tell()

    def end(self) -> None:
        """The program has ended."""
        self.ended = True
        self._tell()

    def _tell(self) -> None:
        for listener in tuple(self.listeners):
            listener()

    def __len__(self) -> int:
        return self.dropped + len(self._lines)

    def lines(self, skip: int = 0) -> Iterator[tuple[float, bytes]]:
        """The finished lines with their times, those before number `skip` apart."""
        return islice(self._lines, max(0, skip - self.dropped), None)

    def partial(self) -> tuple[float, bytes] | None:
        """The line that has not ended yet."""
        return self._rest


AnswerDns = Callable[[bytes, Literal["udp", "tcp"]], bytes]
"""Answers a DNS query with what the cluster's DNS knows."""


class Container:
    """One container of a running pod.

    `ports` are those that the pod declares, `main_argv` the container's own program,
    `answer_dns` is what CoreDNS answers from, `booted` when the node was started (seconds).
    """

    __slots__ = (
        "_boot",
        "_disk",
        "_env",
        "_make_env",
        "_make_files",
        "_randoms",
        "_seed",
        "answer_dns",
        "host",
        "hostname",
        "image",
        "kernel",
        "log",
        "main_argv",
        "name",
        "namespace",
        "node",
        "pod",
        "ports",
        "workdir",
    )

    def __init__(
        self,
        image: Image,
        host: Host,
        *,
        namespace: str = "default",
        pod: str = "",
        name: str = "",
        node: str = "",
        hostname: str = "",
        kernel: str = "6.18.3",
        booted: Callable[[], float] = float,
        workdir: str = "",
        make_env: Callable[[], dict[str, str]] = dict,
        make_files: Callable[[], dict[str, bytes]] = dict,
        ports: tuple[tuple[str, int], ...] = (),
        answer_dns: AnswerDns | None = None,
        seed: str = "",
    ) -> None:
        self.image = image
        self.host = host
        self.namespace = namespace
        self.pod = pod
        self.name = name
        self.node = node
        self.hostname = hostname or pod
        self.kernel = kernel
        self.workdir = workdir or image.workdir
        self.log = Log()
        self.main_argv: list[str] = []
        self.ports = ports
        self.answer_dns = answer_dns
        self._boot = booted
        self._make_env = make_env
        self._make_files = make_files
        self._env: dict[str, str] | None = None
        self._disk: Disk | None = None
        self._seed = seed
        self._randoms: dict[str, Random] | None = None

    @property
    def env(self) -> dict[str, str]:
        """The environment that every process of the container starts with."""
        if self._env is None:
            self._env = self._make_env()
        return self._env

    @property
    def booted(self) -> float:
        """When the node was started: seconds on the cluster's clock."""
        return self._boot()

    @property
    def disk(self) -> Disk:
        """The container's files."""
        if self._disk is None:
            self._disk = MemoryDisk(self._make_files())
        return self._disk

    def mount(self, disk: Disk) -> None:
        """From now on the files lie elsewhere (the shell's own file system)."""
        self._disk = disk

    def random(self, purpose: str) -> Random:
        """A source of random values that go on from program to program."""
        if self._randoms is None:
            self._randoms = {}
        source = self._randoms.get(purpose)
        if source is None:
            seed = f"{self._seed}/{self.namespace}/{self.pod}/{self.name}/{purpose}"
            source = self._randoms[purpose] = Random(seed)
        return source

    def all_files(self) -> dict[str, bytes]:
        """Every file by its path."""
        disk = self.disk
        return disk.files if isinstance(disk, MemoryDisk) else {}

    def read(self, path: str) -> bytes | None:
        """What a file holds, or None."""
        return self.disk.read(path)

    def read_text(self, path: str) -> str:
        """A text file, empty if there is none."""
        return (self.disk.read(path) or b"").decode(errors="replace")
