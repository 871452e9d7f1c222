"""The containers of running pods: started, reached by exec, removed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from minik8s.clock import Clock
from minik8s.model.metadata import Document
from minik8s.network import Network
from minik8s.runtime.processes import ExecSession
from minik8s.store import Store


class Containers:
    """What the kubelets of one cluster do below the pod: run each container's command.

    `on_exit(namespace, pod, container, code)` is called when a container ends after its start.
    """

    def __init__(
        self,
        store: Store,
        network: Network,
        clock: Clock,
        on_exit: Callable[[str, str, str, int], None] | None = None,
    ) -> None:
        self.store = store
        self.network = network
        self.clock = clock
        self.on_exit = on_exit

    def start(self, pod: Document, names: Sequence[str] | None = None) -> dict[str, int | None]:
        """Start a pod's containers (all, or those named): exit code, None while it runs.

        The pod has its addresses (`status.podIPs`) and its network host. Takes no simulated
        time. A container that was started before is started anew; its old output becomes the
        `previous` one.
        """
        raise NotImplementedError

    def stop(self, namespace: str, pod: str) -> None:
        """The pod is gone: forget its containers, end their programs, close their ports."""
        raise NotImplementedError

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
        raise NotImplementedError

    def attach(
        self, namespace: str, pod: str, container: str, *, stdin: bool = False, tty: bool = False
    ) -> ExecSession:
        """Reach the container's own program."""
        raise NotImplementedError

    def log_lines(
        self, namespace: str, pod: str, container: str, *, previous: bool = False
    ) -> list[tuple[float, bytes]]:
        """What a container wrote: (moment, line without its end)."""
        raise NotImplementedError
