"""Which pods `kubectl drain` takes off a node, and how."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from minik8s.clock import parse_rfc3339
from minik8s.errors import ApiError, NotFound, TooManyRequests
from minik8s.kubectl.call import Call, DryRun
from minik8s.kubectl.failures import Failure, message_of, raise_all
from minik8s.kubectl.gotext import format_duration, quote
from minik8s.kubectl.output import name_printer
from minik8s.kubectl.waiting import FOR_EVER, is_gone, ticks
from minik8s.model.metadata import (
    Document,
    annotations_of,
    controller_of,
    name_of,
    namespace_of,
    uid_of,
)
from minik8s.model.registry import DAEMON_SET, POD
from minik8s.model.workloads import is_terminal

_MIRROR = "kubernetes.io/config.mirror"
_DAEMONS = "DaemonSet-managed Pods (use --ignore-daemonsets to ignore)"
_DAEMONS_IGNORED = "ignoring DaemonSet-managed Pods"
_LOCAL = "Pods with local storage (use --delete-emptydir-data to override)"
_LOCAL_DELETED = "deleting Pods with local storage"
_ALONE = "Pods that declare no controller (use --force to override)"
_ALONE_DELETED = "deleting Pods that declare no controller"
_RETRY = 5.0
"""Seconds until an eviction that was refused is tried again."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether a pod goes, and what there is to say about it."""

    goes: bool = True
    warning: str = ""
    error: str = ""


_GOES, _STAYS = Judgement(), Judgement(goes=False)


@dataclass(slots=True)
class Drain:
    """One `kubectl drain` of one node."""

    call: Call
    node: str
    dry_run: DryRun
    judgements: list[tuple[Document, Judgement]] = field(default_factory=list)

    def run(self) -> None:
        """Take the pods off the node; raises what went wrong."""
        call = self.call
        raise_all(self._judge())
        warnings = self._grouped(lambda judgement: judgement.warning)
        if warnings:
            call.warning_line("; ".join(f"{text}: {names}" for text, names in warnings))
        if self.dry_run is DryRun.CLIENT:
            for pod in self.going():
                call.out(f"evicting pod {namespace_of(pod)}/{name_of(pod)} (dry run)\n")
            return
        try:
            self._remove()
        except Failure as error:
            self._tell_pending(error)
            raise

    def going(self) -> list[Document]:
        """The pods that go."""
        return [pod for pod, judgement in self.judgements if judgement.goes]

    def _judge(self) -> list[Exception]:
        call = self.call
        query = {"fieldSelector": f"spec.nodeName={self.node}"}
        if call.flags.text("pod-selector"):
            query["labelSelector"] = call.flags.text("pod-selector")
        found = call.client.list(POD, "", query=query)["items"] or ()
        pods = [{"apiVersion": "v1", "kind": "Pod", **pod} for pod in found]
        self.judgements = [(pod, self._judgement(pod)) for pod in pods]
        problems = self._grouped(lambda judgement: judgement.error)
        return [Failure(f"cannot delete {text}: {names}") for text, names in problems]

    def _grouped(self, text_of: Callable[[Judgement], str]) -> list[tuple[str, str]]:
        groups: dict[str, list[str]] = {}
        for pod, judgement in self.judgements:
            text = text_of(judgement)
            if text:
                groups.setdefault(text, []).append(f"{namespace_of(pod)}/{name_of(pod)}")
        return [(text, ", ".join(names)) for text, names in groups.items()]

    def _judgement(self, pod: Document) -> Judgement:
        """The last word of the filters that a pod passes, or the first that stops it."""
        judgement = _GOES
        filters = (self._deleted, self._daemon, self._mirror, self._local, self._alone)
        for judge in filters:
            judgement = judge(pod)
            if not judgement.goes:
                break
        return judgement

    def _deleted(self, pod: Document) -> Judgement:
        limit = self.call.flags.number("skip-wait-for-delete-timeout")
        return _STAYS if is_overdue(pod, limit, self.call.io.now()) else _GOES

    def _daemon(self, pod: Document) -> Judgement:
        owner = controller_of(pod)
        if owner is None or owner.get("kind") != "DaemonSet" or is_terminal(pod):
            return _GOES
        try:
            self.call.client.get(DAEMON_SET, owner["name"], namespace_of(pod))
        except ApiError as error:
            if isinstance(error, NotFound) and self.call.flags.on("force"):
                return Judgement(warning=error.message)
            return Judgement(goes=False, error=error.message)
        if not self.call.flags.on("ignore-daemonsets"):
            return Judgement(goes=False, error=_DAEMONS)
        return Judgement(goes=False, warning=_DAEMONS_IGNORED)

    def _mirror(self, pod: Document) -> Judgement:
        return _STAYS if _MIRROR in annotations_of(pod) else _GOES

    def _local(self, pod: Document) -> Judgement:
        volumes = (pod.get("spec") or {}).get("volumes") or ()
        if is_terminal(pod) or not any("emptyDir" in volume for volume in volumes):
            return _GOES
        if not self.call.flags.on("delete-emptydir-data"):
            return Judgement(goes=False, error=_LOCAL)
        return Judgement(warning=_LOCAL_DELETED)

    def _alone(self, pod: Document) -> Judgement:
        if is_terminal(pod) or controller_of(pod) is not None:
            return _GOES
        if self.call.flags.on("force"):
            return Judgement(warning=_ALONE_DELETED)
        return Judgement(goes=False, error=_ALONE)

    # -- removing

    def _remove(self) -> None:
        evicts = not self.call.flags.on("disable-eviction") and "eviction" in POD.subresources
        pods = self.going()
        errors: list[Exception] = []
        left = self.call.flags.seconds("timeout") or FOR_EVER
        waiting: list[Document] = []
        for pod in pods:
            try:
                if evicts:
                    left -= self._evict(pod, left)
                else:
                    self.call.client.delete(POD, name_of(pod), namespace_of(pod), self._options())
                waiting.append(pod)
            except NotFound:
                continue
            except (ApiError, Failure) as error:
                errors.append(Failure(message_of(error)))
        if self.dry_run is not DryRun.SERVER:
            errors += self._wait(waiting, left, evicts=evicts)
        raise_all(errors)

    def _options(self) -> Document:
        options: Document = {}
        grace = self.call.flags.number("grace-period")
        if grace >= 0:
            options["gracePeriodSeconds"] = grace
        if self.dry_run is DryRun.SERVER:
            options["dryRun"] = ["All"]
        return options

    def _evict(self, pod: Document, left: float) -> float:
        """Evict a pod, again and again if that is refused for now; the seconds that it took."""
        name, namespace = name_of(pod), namespace_of(pod)
        eviction = {
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"name": name, "namespace": namespace},
            "deleteOptions": self._options(),
        }
        title = f"pods/{quote(name)} -n {quote(namespace)}"
        passed = 0.0
        while True:
            self.call.out(f"evicting pod {namespace}/{name}{self.dry_run.value}\n")
            if passed >= left:
                limit = format_duration(self.call.flags.seconds("timeout"))
                raise Failure(f"error when evicting {title}: global timeout reached: {limit}")
            try:
                self.call.client.create(POD, eviction, namespace, name=name, sub="eviction")
                return passed
            except TooManyRequests as error:
                self.call.err(
                    f"error when evicting {title} (will retry after 5s): {error.message}\n"
                )
            except NotFound:
                raise
            except ApiError as error:
                raise Failure(f"error when evicting {title}: {error.message}") from None
            self.call.client.wait(_RETRY)
            passed += _RETRY

    def _wait(self, pods: list[Document], left: float, *, evicts: bool) -> list[Exception]:
        """Wait until pods have gone, and tell of each; what went wrong."""
        client, pending = self.call.client, list(pods)
        done = "evicted" if evicts else "deleted"
        for _ in ticks(client, max(left, 0.0)):
            for pod in list(pending):
                name, namespace = name_of(pod), namespace_of(pod)
                if is_gone(client, POD, namespace, name, uid_of(pod)):
                    name_printer(self.call, done + self.dry_run.value)(pod)
                    pending.remove(pod)
            if not pending:
                return []
        limit = format_duration(self.call.flags.seconds("timeout"))
        return [
            Failure(
                f"error when waiting for pod {quote(name_of(pod))} in namespace "
                f"{quote(namespace_of(pod))} to terminate: global timeout reached: {limit}"
            )
            for pod in pending
        ]

    def _tell_pending(self, error: Failure) -> None:
        self._judge()
        pods = self.going()
        if pods:
            self.call.err(
                f"There are pending pods in node {quote(self.node)} when an error occurred: "
                f"{error}\n"
            )
            for pod in pods:
                self.call.err(f"pod/{name_of(pod)}\n")


def is_overdue(pod: Document, limit: int, now: float) -> bool:
    """Whether a pod's deletion was wanted more than `limit` seconds ago."""
    wanted = pod["metadata"].get("deletionTimestamp")
    return bool(limit > 0 and wanted and int(now - parse_rfc3339(wanted)) > limit)
