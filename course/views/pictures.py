"""The ten pictures of the course, each a scene built from what a live cluster says.

A picture of a concept needs no cluster. Every other one takes a `Stage`: a cluster in the state
of the lesson, asked for pods, policies and verdicts. Ticks and crosses are verdicts, rule texts
are read from the policies, names are the pods' own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from course.views.scene import (
    Arrow,
    Cloud,
    Gate,
    Icon,
    Lock,
    Mark,
    Note,
    Point,
    Route,
    Scene,
    Shape,
    Zone,
)
from course.views.stage import Stage

WIDE: Point = (16, 6.2)
TALL: Point = (16, 10.7)


def networkpolicy() -> Scene:
    """The policy object above, the network that enforces it below."""
    frontend, backend = (5.6, 3.0), (10.4, 3.0)
    locks = [(4.25, 3.0), (6.95, 3.0), (9.05, 3.0), (11.75, 3.0)]
    shapes: list[Shape] = [
        Zone((0.5, 5.2), (15, 3.2), "Kubernetes stores the policy", "layer"),
        Icon((8, 7.2), "netpol", "NetworkPolicy", "", "violet"),
        Zone((0.5, 1.2), (15, 3.6), "the network (CNI) enforces it", "layer"),
        Cloud((1.9, 3.0), "outside"),
        Cloud((14.1, 3.0), "outside"),
        Icon(frontend, "pod", "frontend"),
        Icon(backend, "pod", "backend"),
        Arrow((2.9, 3.0), (4.0, 3.0)),
        Arrow((7.2, 3.0), (8.8, 3.0)),
        Arrow((12.0, 3.0), (13.1, 3.0)),
    ]
    for lock in locks:
        shapes += [_dashes((8, 5.75), lock), Lock(lock)]
    return Scene(
        (16, 9),
        tuple(shapes),
        "A NetworkPolicy object in Kubernetes, tied to a lock at each of the four sides of the "
        "pods frontend and backend in the network below. Traffic comes from outside into "
        "frontend, goes on to backend, and from there to the outside.",
    )


def resources() -> Scene:
    """Namespaces, a pod, a Service and the pods of a Deployment."""
    return Scene(
        (16, 7),
        (
            Cloud((1.4, 3.6), "outside"),
            Zone((3.0, 0.6), (3.6, 5.9), "namespace frontend"),
            Icon((4.8, 3.6), "pod", "frontend", "app=frontend"),
            Zone((7.4, 0.6), (8.1, 5.9), "namespace backend"),
            Icon((9.0, 3.6), "svc", "Service"),
            Icon((11.9, 4.8), "pod", "backend-1", "app=backend"),
            Icon((11.9, 2.2), "pod", "backend-2", "app=backend"),
            Icon((14.4, 3.6), "deploy", "Deployment", "replicas: 2", "grey"),
            Arrow((2.4, 3.6), (4.0, 3.6)),
            Arrow((5.6, 3.6), (8.2, 3.6)),
            Arrow((9.8, 3.8), (11.1, 4.6)),
            Arrow((9.8, 3.4), (11.1, 2.4)),
            Arrow((13.6, 3.9), (12.7, 4.6), "own"),
            Arrow((13.6, 3.3), (12.7, 2.4), "own"),
        ),
        "Traffic from outside reaches a pod in the namespace frontend, goes on to a Service in the "
        "namespace backend, and from there to one of the two pods of a Deployment.",
    )


def ingress_egress() -> Scene:
    """One pod and its two doors."""
    return Scene(
        (14, 5.2),
        (
            Gate((3.6, 2.7), "Ingress", (1.3, 2.4)),
            Icon((7, 2.9), "pod", "backend", "app=backend"),
            Gate((10.4, 2.7), "Egress", (1.3, 2.4)),
            Arrow((0.8, 2.7), (2.9, 2.7)),
            Arrow((4.3, 2.7), (6.1, 2.7)),
            Arrow((7.9, 2.7), (9.7, 2.7)),
            Arrow((11.1, 2.7), (13.2, 2.7)),
            Note((1.7, 2.25), "into the pod", "muted", 10),
            Note((12.3, 2.25), "out of the pod", "muted", 10),
        ),
        "A pod with its name and label. Traffic enters through a box Ingress and leaves through a "
        "box Egress.",
    )


def demo_app(stage: Stage) -> Scene:
    """The demo app as the cluster runs it."""
    backends = stage.pods("default", "app=backend")
    frontend = stage.first("default", "app=frontend")
    middle, height = 3.0 + 1.2 * (len(backends) - 1), 5.2 + 2.4 * (len(backends) - 1)
    shapes: list[Shape] = [
        Zone((0.4, 0.5), (15.2, height), "namespace default"),
        Icon((1.7, middle), "deploy", "frontend", "Deployment", "grey"),
        Icon((5.0, middle), "pod", frontend.name, "app=frontend"),
        Icon((8.2, middle), "svc", "backend", stage.service_port("default", "backend")),
        Icon((14.5, middle), "deploy", "backend", "Deployment", "grey"),
        Arrow((2.5, middle), (4.2, middle), "own"),
        Arrow((5.8, middle), (7.4, middle)),
    ]
    for number, pod in enumerate(backends):
        y = middle + 1.2 * (len(backends) - 1) - 2.4 * number
        shapes += [
            Icon((11.3, y), "pod", pod.name, "app=backend"),
            Arrow((9.0, middle), (10.5, y)),
            Arrow((13.7, middle), (12.1, y), "own"),
        ]
    return Scene(
        (16, height + 1),
        tuple(shapes),
        f"In the namespace default, the Deployment frontend runs the pod {frontend.name}. It calls "
        f"the Service backend. Behind the Service: "
        f"{', '.join(pod.name for pod in backends)}, run by the Deployment backend.",
    )


def stateful(stage: Stage) -> Scene:
    """A request, its answer, and a request from the other side."""
    backend = stage.first("default", "app=backend")
    frontend = stage.first("default", "app=frontend")
    answered = stage.allowed(backend, stage.outside)
    visited = stage.allowed(frontend, backend)
    back = "allowed" if answered else "denied"
    shapes: list[Shape] = [
        Icon((2.8, 3.9), "pod", backend.name, "app=backend"),
        Gate((7.0, 6.0), "Egress", (1.4, 1.3)),
        Gate((7.0, 1.5), "Ingress", (1.4, 1.3)),
        Cloud((13.4, 5.3), stage.outside),
        Icon((13.4, 1.9), "pod", frontend.name, "app=frontend"),
        Route(((2.8, 4.7), (2.8, 6.0), (6.25, 6.0)), back),
        Route(((7.75, 6.0), (10.6, 6.0), (12.5, 5.6)), back),
        Note((9.2, 6.35), "1  the request", "muted", 10),
        Route(((12.4, 5.1), (10.6, 4.2), (3.7, 4.2)), back),
        Mark((7.0, 4.2), answered, "2  the answer: a known connection", below=True),
        Arrow((12.6, 1.6), (7.8, 1.5), "allowed" if visited else "denied"),
        Mark((9.9, 1.55), visited, "a new connection", below=True),
    ]
    if visited:
        shapes.append(Route(((6.25, 1.5), (2.8, 1.5), (2.8, 2.3)), "allowed"))
    return Scene(
        (16, 7.6),
        tuple(shapes),
        f"The pod {backend.name} sends a request through its egress to {stage.outside}. The answer "
        "comes back without meeting ingress. A new request from frontend meets ingress and is "
        f"{'let in' if visited else 'dropped'}.",
    )


def pod_to_pod_ingress(stage: Stage) -> Scene:
    """One pod is let in."""
    shapes, words = _ingress(stage, 0.5, stage.rule("default", "backend-ingress-allow-frontend"))
    return Scene(WIDE, shapes, words)


def pod_to_pod_across_namespaces(stage: Stage) -> Scene:
    """Another namespace is let in as well."""
    return _across(stage, "backend-ingress-allow-monitoring-namespace")


def pod_to_pod_across_namespaces_combined(stage: Stage) -> Scene:
    """Only one kind of pod of the other namespace is let in."""
    return _across(stage, "backend-ingress-allow-monitoring-app")


def pod_to_pod_egress(stage: Stage) -> Scene:
    """One way out is open."""
    rule = stage.rule("default", "frontend-egress-allow-to-backend")
    shapes, words = _egress(stage, 0.5, rule)
    return Scene(WIDE, shapes, words)


def pod_to_pod_egress_coredns(stage: Stage) -> Scene:
    """The way to the DNS server is open too."""
    shapes, words = _egress(stage, 5.0, stage.rule("default", "frontend-egress-allow-to-backend"))
    dns = stage.first("kube-system", "k8s-app=kube-dns")
    rule = stage.rule("default", "all-pods-egress-allow-dns")
    allowed = stage.allowed(stage.first("default", "app=frontend"), dns, 53, "UDP")
    below: tuple[Shape, ...] = (
        Zone((11.0, 0.4), (4.6, 4.1), "namespace kube-system"),
        Icon((13.3, 2.6), "dns", dns.name, "k8s-app=kube-dns"),
        Route(((6.0, 6.25), (6.0, 2.6), (12.4, 2.6)), _tone(allowed)),
        Mark((8.5, 2.6), allowed, _lines(rule), below=True),
    )
    return Scene(
        TALL,
        (*shapes, *below),
        f"{words} The same egress also lets it reach CoreDNS in kube-system ({rule}).",
    )


def _across(stage: Stage, policy: str) -> Scene:
    """Ingress of backend, with the namespace monitoring below."""
    within = stage.rule("default", "all-pods-ingress-allow-within-namespace")
    shapes, words = _ingress(stage, 5.0, within)
    guest, backend = (
        stage.first("monitoring", "app=monitoring"),
        stage.first("default", "app=backend"),
    )
    allowed, rule = stage.allowed(guest, backend), stage.rule("default", policy)
    below: tuple[Shape, ...] = (
        Zone((0.4, 0.4), (4.6, 4.1), "namespace monitoring"),
        Icon((2.7, 2.6), "pod", guest.name, "app=monitoring"),
        Route(((3.6, 2.6), (9.9, 2.6), (9.9, 6.25)), _tone(allowed)),
        Mark((7.2, 2.6), allowed, _lines(rule), below=True),
    )
    words += f" So may {guest.name} of the namespace monitoring ({rule})."
    return Scene(TALL, (*shapes, *below), words)


def _ingress(stage: Stage, base: float, rule: str) -> tuple[tuple[Shape, ...], str]:
    """frontend → the ingress gate → backend, in `default`."""
    shapes, frontend, backend, allowed = _pair(stage, base)
    y = base + 2.6
    middle: tuple[Shape, ...] = (
        Gate((9.9, y), "Ingress", (1.4, 2.2)),
        Arrow((3.6, y), (9.15, y), _tone(allowed)),
        Mark((6.4, y), allowed, rule),
        *([Arrow((10.65, y), (12.4, y), "allowed")] if allowed else []),
    )
    return shapes + middle, f"{frontend} may reach {backend} through its ingress ({rule})."


def _egress(stage: Stage, base: float, rule: str) -> tuple[tuple[Shape, ...], str]:
    """frontend → its egress gate → backend, in `default`."""
    shapes, frontend, backend, allowed = _pair(stage, base)
    y = base + 2.6
    middle: tuple[Shape, ...] = (
        Gate((6.0, y), "Egress", (1.4, 2.2)),
        Arrow((3.6, y), (5.25, y), _tone(allowed)),
        *([Arrow((6.75, y), (12.4, y), "allowed")] if allowed else []),
        Mark((9.4, y), allowed, rule),
    )
    return shapes + middle, f"{frontend} may reach {backend} through its own egress ({rule})."


def _pair(stage: Stage, base: float) -> tuple[tuple[Shape, ...], str, str, bool]:
    """The two pods of the demo app in their namespace, and whether one reaches the other."""
    frontend = stage.first("default", "app=frontend")
    backend = stage.first("default", "app=backend")
    shapes: tuple[Shape, ...] = (
        Zone((0.4, base), (15.2, 5.2), "namespace default"),
        Icon((2.7, base + 2.6), "pod", frontend.name, "app=frontend"),
        Icon((13.3, base + 2.6), "pod", backend.name, "app=backend"),
    )
    return shapes, frontend.name, backend.name, stage.allowed(frontend, backend)


def _tone(allowed: bool) -> str:
    return "allowed" if allowed else "denied"


def _lines(rule: str) -> str:
    """A rule with two selectors on two lines."""
    return rule.replace(" pod:", "\nand pod:")


def _dashes(start: Point, end: Point) -> Arrow:
    return Arrow(start, (end[0], end[1] + 0.45), "own")


CONCEPTS: Mapping[str, Callable[[], Scene]] = {
    "networkpolicy": networkpolicy,
    "resources": resources,
    "ingress_egress": ingress_egress,
}
"""Pictures that need no cluster."""

PICTURES: Mapping[str, tuple[str, Callable[[Stage], Scene]]] = {
    "demo-app": ("demo-app", demo_app),
    "stateful": ("01-backend-ingress-deny", stateful),
    "pod_to_pod_ingress": ("02-backend-ingress-allow-frontend", pod_to_pod_ingress),
    "pod_to_pod_across_namespaces": (
        "04-backend-ingress-allow-monitoring-namespace",
        pod_to_pod_across_namespaces,
    ),
    "pod_to_pod_across_namespaces_combined": (
        "05-backend-ingress-allow-monitoring-app",
        pod_to_pod_across_namespaces_combined,
    ),
    "pod_to_pod_egress": ("07-frontend-egress-allow-to-backend", pod_to_pod_egress),
    "pod_to_pod_egress_coredns": ("08-all-pods-egress-allow-dns", pod_to_pod_egress_coredns),
}
"""Pictures of a live cluster, each with the manifest of the tutorial after which it shows it."""
