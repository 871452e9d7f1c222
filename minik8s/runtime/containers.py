"""The containers of running pods: started, reached by exec, removed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from minik8s.clock import Clock, parse_rfc3339
from minik8s.errors import InternalError, NotFound
from minik8s.guests.base import Input, Process, Program
from minik8s.guests.catalogue import Image, find_image
from minik8s.guests.container import Container, Log
from minik8s.guests.programs import find_program, implementation
from minik8s.model.metadata import Document, name_of, namespace_of
from minik8s.model.registry import NODE, SERVICE
from minik8s.model.workloads import node_name
from minik8s.network import Connection, Host, Network
from minik8s.runtime.podenvironment import Environment, expand
from minik8s.runtime.podfiles import container_files, pod_hostname
from minik8s.runtime.processes import CallSoon, OnError, Task, run_now
from minik8s.runtime.sessions import ExecSession, Screen
from minik8s.store import Store

CANNOT_START = 128
"""The exit code of a container whose command is not there (containerd: StartError)."""

OnExit = Callable[[str, str, str, int], None]


@dataclass(slots=True)
class Running:
    """One started container: what its programs see, and its own program."""

    container: Container
    task: Task | None = None
    stdin: Input = field(default_factory=lambda: Input.of(b""))
    tty: bool = False
    stdin_once: bool = False
    screens: list[Screen] = field(default_factory=list)
    programs: list[Task] = field(default_factory=list)

    def end(self) -> None:
        """End the container's own program and all that exec has started."""
        for task in (*self.programs, *(() if self.task is None else (self.task,))):
            task.on_end = None
            task.interrupt("SIGKILL")
        self.programs.clear()
        self.container.log.end()


@dataclass(slots=True)
class _Pod:
    containers: dict[str, Running] = field(default_factory=dict)
    previous: dict[str, Log] = field(default_factory=dict)


class Containers:
    """What the kubelets of one cluster do below the pod: run each container's command.

    `on_exit(namespace, pod, container, code)` is called when a container ends after its start.
    `new_clock` makes clocks for the containers' programs that somebody types at (`stdin: true`),
    where their waiting shall not move the cluster's; without it they have the cluster's.
    With `call_soon` a program on a clock of its own computes while others go on. `on_error`
    hears of mistakes of ours in programs, which end there.
    """

    def __init__(
        self, store: Store, network: Network, clock: Clock, on_exit: OnExit | None = None
    ) -> None:
        self.store = store
        self.network = network
        self.clock = clock
        self.on_exit = on_exit
        self.new_clock: Callable[[], Clock] | None = None
        self.call_soon: CallSoon | None = None
        self.on_error: OnError | None = None
        self._pods: dict[tuple[str, str], _Pod] = {}
        self._services: dict[str, tuple[Document, ...]] = {}

    # -- life

    def start(self, pod: Document, names: Sequence[str] | None = None) -> dict[str, int | None]:
        """Start a pod's containers (all, or those named): exit code, None while it runs.

        The pod has its addresses (`status.podIPs`) and its network host. Takes no simulated
        time. A container that was started before is started anew; its old output becomes the
        `previous` one. 128 says that the command is not there.
        """
        namespace, name = namespace_of(pod), name_of(pod)
        host = self.network.pod_host(namespace, name)
        place = self._pods.setdefault((namespace, name), _Pod())
        codes: dict[str, int | None] = {}
        for spec in _specs(pod, names):
            old = place.containers.get(spec["name"])
            if old is not None:
                old.end()
                place.previous[spec["name"]] = old.container.log
            running = self._make(pod, spec, host)
            place.containers[spec["name"]] = running
            code = codes[spec["name"]] = self._run(pod, spec, running)
            if code is not None:
                running.container.log.end()
        return codes

    def stop(self, namespace: str, pod: str) -> None:
        """The pod is gone: forget its containers, end their programs, close their ports."""
        place = self._pods.pop((namespace, pod), None)
        if place is not None:
            for running in place.containers.values():
                running.end()

    def end(self, namespace: str, pod: str, container: str) -> None:
        """Kill one container's programs; it stays known, with its output."""
        self._find(namespace, pod, container).end()

    def _make(self, pod: Document, spec: Document, host: Host) -> Running:
        image = find_image(str(spec.get("image", "")))
        hostname = pod_hostname(pod)
        environment = Environment(self.store, pod, spec, image, self._services_for(pod))
        container = Container(
            image,
            host,
            namespace=namespace_of(pod),
            pod=name_of(pod),
            name=spec["name"],
            node=node_name(pod),
            hostname=hostname,
            kernel=self._kernel(node_name(pod)),
            booted=partial(self._booted, node_name(pod)),
            workdir=spec.get("workingDir", ""),
            make_env=partial(environment.variables, hostname),
            make_files=partial(container_files, self.store, pod, spec, image),
            ports=_declared(spec),
            answer_dns=self.network.zone.answer,
            seed=str(self.store.ids.seed),
        )
        if spec.get("envFrom") or any("valueFrom" in each for each in spec.get("env") or ()):
            _ = container.env  # what it refers to may change later
        running = Running(container, tty=bool(spec.get("tty")))
        if spec.get("stdin"):
            running.stdin = Input()
            running.stdin_once = bool(spec.get("stdinOnce"))
        return running

    def _kernel(self, node: str) -> str:
        document = self.store.get(NODE, "", node) or {}
        information = (document.get("status") or {}).get("nodeInfo") or {}
        return str(information.get("kernelVersion", "6.18.3"))

    def _booted(self, node: str) -> float:
        document = self.store.get(NODE, "", node)
        if document is None:
            return self.clock.now
        return parse_rfc3339(document["metadata"]["creationTimestamp"])

    def _services_for(self, pod: Document) -> tuple[Document, ...]:
        """The Services that the pod's variables tell of, as they are now; shared by pods."""
        namespace = namespace_of(pod)
        found = []
        if pod["spec"].get("enableServiceLinks", True):
            found = self.store.list(SERVICE, namespace)
        master = self.store.get(SERVICE, "default", "kubernetes")
        if master is not None and all(name_of(each) != "kubernetes" for each in found):
            found = [*found, master]
        held = self._services.get(namespace, ())
        if len(held) != len(found) or any(a is not b for a, b in zip(held, found, strict=True)):
            held = self._services[namespace] = tuple(found)
        return held

    def _run(self, pod: Document, spec: Document, running: Running) -> int | None:
        container = running.container
        argv = _command(spec, container)
        container.main_argv = argv
        program = _main_program(container.image, argv)
        if program is None:
            return CANNOT_START
        new_clock = self.new_clock if spec.get("stdin") else None
        process = Process(
            argv,
            container,
            self.clock if new_clock is None else new_clock(),
            partial(_write_log, running, self.clock),
            run_now,
            cwd=container.workdir,
            stdin=running.stdin,
            tty=running.tty,
            interactive=running.tty and not running.stdin.closed,
            background=True,
        )
        call_soon = self.call_soon if new_clock is not None else None
        task = running.task = Task(process, program, call_soon=call_soon, on_error=self.on_error)
        task.start()
        if task.exit_code is None:
            key = (namespace_of(pod), name_of(pod), str(spec["name"]))
            task.on_end = partial(self._ended, container.log, *key)
        return task.exit_code

    def _ended(self, log: Log, namespace: str, pod: str, container: str, code: int) -> None:
        log.end()
        if self.on_exit is not None:
            self.on_exit(namespace, pod, container, code)

    # -- access

    def exec(
        self,
        namespace: str,
        pod: str,
        container: str,
        argv: Sequence[str],
        *,
        stdin: bool = False,
        tty: bool = False,
        clock: Clock | None = None,
    ) -> ExecSession:
        """Run a program in a container; raises InternalError as containerd does."""
        running = self._find(namespace, pod, container)
        inside = running.container
        program = find_program(inside.image, argv[0]) if argv else None
        if program is None:
            raise self._not_startable(argv[0] if argv else "")
        source = Input() if stdin else Input.of(b"")
        screen = Screen(tty=tty)
        process = Process(
            list(argv),
            inside,
            clock or self.clock,
            screen.write,
            run_now,
            own_env={**inside.env, "TERM": "xterm"} if tty else None,
            cwd=inside.workdir,
            stdin=source,
            tty=tty,
            interactive=tty and stdin,
        )
        call_soon = self.call_soon if clock is not None else None
        task = Task(process, program, call_soon=call_soon, on_error=self.on_error)
        running.programs = [each for each in running.programs if each.exit_code is None]
        running.programs.append(task)
        task.start()
        return ExecSession(task, source, screen, tty=tty)

    def attach(
        self, namespace: str, pod: str, container: str, *, stdin: bool = False, tty: bool = False
    ) -> ExecSession:
        """Reach the container's own program."""
        running = self._find(namespace, pod, container)
        if running.task is None:
            raise NotFound(f'container not found ("{container}")')
        screen = Screen(tty=tty)
        running.screens.append(screen)

        def leave() -> None:
            if screen in running.screens:
                running.screens.remove(screen)
            if running.stdin_once:
                running.stdin.close()

        source = running.stdin if stdin else Input.of(b"")
        return ExecSession(
            running.task, source, screen, tty=tty and stdin, on_close=leave, owner=False
        )

    def log_lines(
        self, namespace: str, pod: str, container: str, *, previous: bool = False
    ) -> list[tuple[float, bytes]]:
        """What a container wrote: (moment, line without its end); raises NotFound."""
        log = self.log(namespace, pod, container, previous=previous)
        lines = list(log.lines())
        rest = log.partial()
        return [*lines, rest] if rest is not None else lines

    def log(self, namespace: str, pod: str, container: str, *, previous: bool = False) -> Log:
        """The output of a container, or of the one that it replaced; raises NotFound."""
        if not previous:
            return self._find(namespace, pod, container).container.log
        place = self._pods.get((namespace, pod))
        if place is None or container not in place.previous:
            raise NotFound(f'previous terminated container "{container}" in pod "{pod}" not found')
        return place.previous[container]

    def dial(
        self, namespace: str, pod: str, port: int, *, clock: Clock | None = None
    ) -> Connection:
        """A TCP connection to a port of the pod, from inside its network namespace."""
        host = self.network.pod_host(namespace, pod)
        return host.connect("TCP", "127.0.0.1", port, clock=clock or self.clock)

    def container(self, namespace: str, pod: str, container: str) -> Container:
        """One container as its programs see it; raises NotFound."""
        return self._find(namespace, pod, container).container

    def _find(self, namespace: str, pod: str, container: str) -> Running:
        place = self._pods.get((namespace, pod))
        running = place.containers.get(container) if place is not None else None
        if running is None:
            raise NotFound(f'container not found ("{container}")')
        return running

    def _not_startable(self, name: str) -> InternalError:
        why = f"stat {name}: no such file or directory"
        if "/" not in name:
            why = "executable file not found in $PATH"
        identity = f"{self.store.ids.stream('containers').getrandbits(256):064x}"
        return InternalError.wrap(
            f"error executing command in container: failed to exec in container: failed to start "
            f'exec "{identity}": OCI runtime exec failed: exec failed: unable to start container '
            f'process: exec: "{name}": {why}: unknown'
        )


def _specs(pod: Document, names: Sequence[str] | None) -> Iterator[Document]:
    spec = pod["spec"]
    groups = (
        ("containers",)
        if names is None
        else (
            "initContainers",
            "containers",
            "ephemeralContainers",
        )
    )
    for group in groups:
        for each in spec.get(group) or ():
            if names is None or each["name"] in names:
                yield each


def _declared(spec: Document) -> tuple[tuple[str, int], ...]:
    ports = spec.get("ports") or ()
    return tuple((str(p.get("protocol", "TCP")), int(p["containerPort"])) for p in ports)


def _command(spec: Document, container: Container) -> list[str]:
    """The container's own program: the pod's `command` and `args`, or the image's."""
    image = container.image
    command, arguments = spec.get("command"), spec.get("args")
    if command:
        words = [*command, *(arguments or ())]
    else:
        words = [*image.entrypoint, *(image.command if arguments is None else arguments)]
    words = [str(word) for word in words]
    if any("$" in word for word in words):
        words = [expand(word, container.env) for word in words]
    return words


def _main_program(image: Image, argv: list[str]) -> Program | None:
    """A container's own program; of an unknown image, any command is taken to be a server."""
    program = find_program(image, argv[0]) if argv else None
    if program is None and not image.known:
        return implementation("port-server")
    return program


def _write_log(running: Running, clock: Clock, stream: int, data: bytes) -> None:
    running.container.log.write(clock.now, data)
    for screen in running.screens:
        screen.write(stream, data)
