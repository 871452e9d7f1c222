"""The kubelets of all nodes: pods that were given a node are started, watched and stopped.

A pod goes through these states, each of them written to the store: bound to a node, its
containers waiting (ContainerCreating, or PodInitializing behind init containers), its network
there, its containers running. A container that ends is started again as `restartPolicy` says:
at once after the first time, then after 10, 20, 40 ... at most 300 seconds (CrashLoopBackOff).
A pod that is asked to go is stopped, and its object removed.
"""

from __future__ import annotations

from collections.abc import Iterable

from minik8s.clock import rfc3339
from minik8s.controllers import podstatus
from minik8s.controllers.base import NOTHING, Context, Controller, Key, key_of
from minik8s.controllers.containerstart import (
    INVALID_IMAGE,
    Starter,
    duration,
    start_failure,
    words_of,
)
from minik8s.controllers.events import Source
from minik8s.controllers.nodeaddresses import NodeAddresses
from minik8s.controllers.podrun import (
    CALM,
    KILLED,
    LONGEST_BACK_OFF,
    BackOff,
    ContainerRuntime,
    Run,
    container_of,
    finished_at,
    ran_for,
    statuses_of,
)
from minik8s.controllers.podstatus import Statuses
from minik8s.controllers.probes import Probes
from minik8s.ipam import PoolExhausted
from minik8s.model.metadata import Document, is_terminating, name_of, namespace_of, uid_of
from minik8s.model.registry import CONFIG_MAP, NODE, POD, SECRET
from minik8s.model.workloads import (
    condition,
    host_network,
    is_sidecar,
    is_terminal,
    node_name,
    pod_addresses,
    running_containers,
)
from minik8s.store import StoreEvent


class Kubelet(Controller):
    """The kubelets of all nodes."""

    name = "kubelet"
    watches = (POD, NODE, CONFIG_MAP, SECRET)

    def __init__(
        self,
        context: Context,
        containers: ContainerRuntime,
        addresses: NodeAddresses,
        probes: Probes,
        minor: int = 37,
    ) -> None:
        super().__init__(context)
        self.containers = containers
        self.addresses = addresses
        self.starter = Starter(context.store, context.recorder, words_of(minor))
        self.probes = probes
        probes.on_change = self._readiness_changed
        probes.on_dead = self._declared_dead
        probes.on_failure = self._unhealthy
        self._runs: dict[Key, Run] = {}
        self._blocked: dict[Key, None] = {}

    # -- what happens outside

    def observe(self, event: StoreEvent) -> Iterable[Key]:
        """A pod with a node; or the pods that wait for their network or configuration."""
        if event.kind != POD:
            return tuple(self._blocked)
        pod = event.object
        key = key_of(pod)
        run = self._runs.get(key)
        if event.type == "DELETED":
            return (key,) if run is not None else NOTHING
        if not node_name(pod):
            return NOTHING
        news = run is None or is_terminating(pod) or run.uid != uid_of(pod) or _astray(pod, run)
        return (key,) if news or pod["spec"].get("readinessGates") else NOTHING

    def exited(self, namespace: str, pod: str, container: str, code: int) -> None:
        """A container has ended by itself."""
        run = self._runs.get((namespace, pod))
        if run is not None:
            run.exits.append((container, code))
            self._wake((namespace, pod))

    def adopt(self, pod: Document) -> None:
        """Take up a pod that a snapshot says is running; nothing of it is changed.

        Its addresses have been reserved.
        """
        addresses = pod_addresses(pod)
        run = Run(uid_of(pod), node_name(pod), addresses, sandbox=True, restored=True)
        self._runs[key_of(pod)] = run

    def _readiness_changed(self, namespace: str, pod: str, container: str, ready: bool) -> None:
        document = self.store.get(POD, namespace, pod)
        if document is None or is_terminal(document):
            return
        init, main = statuses_of(document)
        group = init if container in init else main
        if container in group and podstatus.is_running(group[container]):
            group[container] = {**group[container], "ready": ready, "started": True}
            self._write(document, init, main)
            self._notify()

    def _declared_dead(self, namespace: str, pod: str, container: str, side: str) -> None:
        document = self.store.get(POD, namespace, pod)
        if document is not None:
            text = f"Container {container} failed {side} probe, will be restarted"
            self.starter.tell(document, container_of(document, container), "Killing", text)
            self.exited(namespace, pod, container, KILLED)

    def _unhealthy(self, pod: Document, container: Document, text: str) -> None:
        self.starter.warn(pod, container, "Unhealthy", text)

    def _notify(self) -> None:
        if self.manager is not None:
            self.manager.wake()

    def reconcile(self, namespace: str, name: str) -> None:
        """Start a pod, follow it, or stop it."""
        key = (namespace, name)
        pod = self.store.get(POD, namespace, name)
        run = self._runs.get(key)
        if run is not None and (pod is None or run.uid != uid_of(pod)):
            self._forget(key, run)
            run = None
        if pod is None or not node_name(pod):
            return
        if is_terminating(pod):
            self._terminate(pod, run)
        elif is_terminal(pod) or (run is not None and run.restored):
            return
        else:
            if run is None:
                run = self._runs[key] = Run(uid_of(pod), node_name(pod))
            self._sync(pod, run)

    # -- running

    def _sync(self, pod: Document, run: Run) -> None:
        pod = self._announce(pod)
        if not run.sandbox and not self._make_sandbox(pod, run):
            return
        pod = self._note_exits(self._at_home(self._fresh(pod), run), run)
        refused: set[str] = set()
        while names := [each for each in self._due(pod, run) if each not in refused]:
            pod = self._start(pod, run, names, refused)
        if is_terminal(pod):
            self._wind_up(pod, run)
        elif pod["spec"].get("readinessGates"):
            pod = self._fresh(pod)
            self._write(pod, *statuses_of(pod))

    def _wind_up(self, pod: Document, run: Run) -> None:
        """The pod has run to its end: its network goes, its output stays."""
        self.probes.forget(run.uid)
        for container in running_containers(pod):
            self.containers.end(namespace_of(pod), name_of(pod), container["name"])
        self._release(run)

    def _announce(self, pod: Document) -> Document:
        """The first word of the kubelet: it has seen the pod."""
        status = pod.get("status") or {}
        if status.get("startTime"):
            return pod
        status = {**status, "startTime": self._now()}
        if host := self.addresses.host(node_name(pod)):
            status["hostIP"] = host[0]
            status["hostIPs"] = [{"ip": address} for address in host]
        spec = pod["spec"]
        inits = spec.get("initContainers") or ()
        reason = podstatus.INITIALIZING if inits else podstatus.CREATING
        init = podstatus.by_name(podstatus.waiting(c, podstatus.INITIALIZING) for c in inits)
        main = podstatus.by_name(podstatus.waiting(c, reason) for c in spec["containers"])
        return self._write({**pod, "status": status}, init, main, sandbox=False)

    def _make_sandbox(self, pod: Document, run: Run) -> bool:
        """Make the pod's network namespace; whether its containers can be started now."""
        key = key_of(pod)
        reason, problem = self._obstacle(pod)
        if problem:
            self._warn(pod, reason, problem)
            self._blocked[key] = None
            return False
        try:
            run.addresses = self._addresses(pod)
        except PoolExhausted as error:
            self._warn(pod, "FailedCreatePodSandBox", f"Failed to create pod sandbox: {error}")
            self._blocked[key] = None
            return False
        run.sandbox = True
        self._blocked.pop(key, None)
        self._write(_addressed(pod, run), *statuses_of(pod))
        return True

    def _at_home(self, pod: Document, run: Run) -> Document:
        """The pod with its own addresses, which are written again if a client took them away."""
        if not _astray(pod, run):
            return pod
        return self.store.update(POD, _addressed(pod, run))

    def _addresses(self, pod: Document) -> tuple[str, ...]:
        node = node_name(pod)
        return self.addresses.share(node) if host_network(pod) else self.addresses.allocate(node)

    def _obstacle(self, pod: Document) -> tuple[str, str]:
        if not host_network(pod):
            node = self.store.get(NODE, "", node_name(pod))
            ready = condition(node, "Ready") if node else None
            text = str(ready.get("message", "")) if ready else ""
            if ready and ready["status"] != "True" and "network not ready" in text:
                return "NetworkNotReady", f"network is not ready: {text}"
        return "FailedMount", self.starter.missing_volume(pod)

    def _due(self, pod: Document, run: Run) -> list[str]:
        """The containers to start now: the next init container, or all that should run."""
        if is_terminal(pod):
            return []
        spec = pod["spec"]
        policy = spec.get("restartPolicy", "Always")
        init, main = statuses_of(pod)
        for container in spec.get("initContainers") or ():
            status = init[container["name"]]
            if is_sidecar(container):
                if podstatus.is_running(status):
                    continue
                again = "Always"
            elif podstatus.is_running(status):
                return []
            elif podstatus.exit_code(status) == 0:
                continue
            else:
                again = "Never" if policy == "Never" else "OnFailure"
            return [container["name"]] if self._may_start(pod, run, status, again) else []
        stopped = [status for status in main.values() if not podstatus.is_running(status)]
        return [each["name"] for each in stopped if self._may_start(pod, run, each, policy)]

    def _may_start(self, pod: Document, run: Run, status: Document, policy: str) -> bool:
        """Whether a container that does not run is to be started at this moment."""
        code = podstatus.exit_code(status)
        if code is None:
            return bool(status["state"]["waiting"]["reason"] != INVALID_IMAGE)
        if not podstatus.restarts(policy, code):
            return False
        back_off = run.back_offs.get(status["name"])
        if back_off is None or (back_off.timer is None and ran_for(status) >= CALM):
            run.back_offs[status["name"]] = BackOff()
            return True
        if back_off.timer is not None:
            return False
        wait = finished_at(status) + back_off.seconds - self.clock.now
        if wait > 0:
            self._hold_back(pod, status["name"], back_off, wait)
            return False
        back_off.seconds = min(2 * back_off.seconds, LONGEST_BACK_OFF)
        return True

    def _hold_back(self, pod: Document, name: str, back_off: BackOff, wait: float) -> None:
        """Let a container wait before its next start: CrashLoopBackOff."""
        whose = f"{name_of(pod)}_{namespace_of(pod)}({uid_of(pod)})"
        container = container_of(pod, name)
        text = f"Back-off restarting failed container {name} in pod {whose}"
        self.starter.warn(pod, container, "BackOff", text)
        key = key_of(pod)

        def retry() -> None:
            back_off.timer = None
            self._wake(key)

        back_off.timer = self.clock.call_later(wait, retry)
        text = f"back-off {duration(back_off.seconds)} restarting failed container={name}"
        self._hold(pod, name, "CrashLoopBackOff", f"{text} pod={whose}")

    def _hold(self, pod: Document, name: str, reason: str, message: str) -> None:
        pod = self._fresh(pod)
        init, main = statuses_of(pod)
        group = init if name in init else main
        container = container_of(pod, name)
        group[name] = podstatus.waiting(container, reason, message, group[name])
        self._write(pod, init, main)

    def _start(self, pod: Document, run: Run, names: list[str], refused: set[str]) -> Document:
        """Start containers, and write what has become of them."""
        for name in names:
            obstacle = self.starter.create(pod, container_of(pod, name))
            if obstacle is not None:
                refused.add(name)
                self._blocked[key_of(pod)] = None
                self._hold(pod, name, obstacle.reason, obstacle.message)
        pod = self._fresh(pod)
        startable = [name for name in names if name not in refused]
        if not startable:
            return pod
        self._blocked.pop(key_of(pod), None)
        codes = self.containers.start(pod, startable)
        init, main = statuses_of(pod)
        for name in startable:
            group = init if name in init else main
            container = container_of(pod, name)
            group[name] = self._running(pod, container, group[name])
            if codes.get(name) == podstatus.START_ERROR:
                self.starter.fail_to_start(pod, container)
            else:
                self.starter.started(pod, container)
        pod = self._write(pod, init, main)
        run.exits += [(name, code) for name, code in codes.items() if code is not None]
        self.probes.start(pod, [name for name, code in codes.items() if code is None])
        return self._note_exits(self._fresh(pod), run)

    def _running(self, pod: Document, container: Document, before: Document) -> Document:
        identity = f"containerd://{self.context.ids.stream('containers').getrandbits(256):064x}"
        healthy = self.probes.register(pod, container)
        return podstatus.running(container, identity, self._now(), before, ready=healthy)

    def _note_exits(self, pod: Document, run: Run) -> Document:
        """Write that containers have ended."""
        if not run.exits:
            return pod
        init, main = statuses_of(pod)
        for name, code in run.exits:
            group = init if name in init else main
            if name in group and podstatus.is_running(group[name]):
                failed = code == podstatus.START_ERROR
                text = start_failure(container_of(pod, name)) if failed else ""
                group[name] = podstatus.terminated(group[name], code, self._now(), text)
        run.exits.clear()
        return self._write(pod, init, main)

    # -- stopping

    def _terminate(self, pod: Document, run: Run | None) -> None:
        """Stop a pod that has been asked to go, and remove its object."""
        key = key_of(pod)
        if run is not None:
            init, main = statuses_of(pod)
            for name, status in main.items():
                if podstatus.is_running(status):
                    text = f"Stopping container {name}"
                    self.starter.tell(pod, container_of(pod, name), "Killing", text)
            self._forget(key, run)
            now = self._now()
            for group in (init, main):
                for name, status in group.items():
                    if podstatus.is_running(status):
                        group[name] = podstatus.terminated(status, 0, now)
            pod = self._write(pod, init, main)
        if pod["metadata"].get("finalizers"):
            metadata = {**pod["metadata"], "deletionGracePeriodSeconds": 0}
            self.store.update(POD, {**pod, "metadata": metadata})
        else:
            self.store.delete(POD, *key)

    def _forget(self, key: Key, run: Run) -> None:
        """End what runs for a pod, and give its addresses back."""
        del self._runs[key]
        self._blocked.pop(key, None)
        self.probes.forget(run.uid)
        self.containers.stop(*key)
        for back_off in run.back_offs.values():
            if back_off.timer is not None:
                back_off.timer.cancel()
        self._release(run)

    def _release(self, run: Run) -> None:
        if run.addresses != self.addresses.host(run.node):
            self.addresses.release(run.addresses)
        run.addresses = ()

    # -- writing

    def _write(
        self, pod: Document, init: Statuses, main: Statuses, *, sandbox: bool = True
    ) -> Document:
        status = podstatus.compose(pod, init, main, self._now(), sandbox=sandbox)
        return self.store.update(POD, {**pod, "status": status})

    def _fresh(self, pod: Document) -> Document:
        return self.store.get(POD, *key_of(pod)) or pod

    def _now(self) -> str:
        return rfc3339(self.clock.now)

    def _warn(self, pod: Document, reason: str, message: str) -> None:
        source = Source("kubelet", node_name(pod))
        self.context.recorder.warning(pod, reason, message, source)


def _astray(pod: Document, run: Run) -> bool:
    """Whether a pod's status names other addresses than those that it was given."""
    return bool(run.addresses) and not run.restored and pod_addresses(pod) != run.addresses


def _addressed(pod: Document, run: Run) -> Document:
    """The pod with the addresses that it was given in its status."""
    if not run.addresses:
        return pod
    addresses = [{"ip": address} for address in run.addresses]
    return {**pod, "status": {**pod["status"], "podIP": run.addresses[0], "podIPs": addresses}}
