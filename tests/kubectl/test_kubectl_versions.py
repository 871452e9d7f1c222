"""Kinds of several versions and groups, named in every way: ours beside the real kubectl."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from kubectl_bridge import Twins, plain, twins

LINES = """
create deployment w --image=nginx
autoscale deployment w --min=1 --max=3 --cpu=50%
get hpa
get hpa.v1.autoscaling w -o jsonpath={.apiVersion}
get hpa.v3.autoscaling w -o name
get horizontalpodautoscalers.v1.autoscaling w -o yaml
get horizontalpodautoscaler.v1.autoscaling w
patch horizontalpodautoscalers.v1.autoscaling w --type=merge -p {"spec":{"maxReplicas":7}}
get hpa w -o yaml
describe hpa w
get all
explain hpa.spec
explain hpa.spec --api-version=autoscaling/v1
explain events.note --api-version=events.k8s.io/v1
explain ev.note
get ev -o name
get ev.v1. -o name
get ev.events.k8s.io -o name
get po,ev -o name
get event.v1.events.k8s.io -o jsonpath={.items[0].apiVersion}
get events.events.k8s.io --field-selector=regarding.kind=Deployment
get events.events.k8s.io --field-selector=involvedObject.kind=Deployment
api-resources
api-resources --api-group=autoscaling -o wide
api-versions
delete horizontalpodautoscalers.v1.autoscaling w
"""


@pytest.fixture(scope="module")
def pair(real_kubectl: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twins]:
    with twins(real_kubectl, tmp_path_factory.mktemp("versions"), {}) as both:
        yield both


def test_lines(pair: Twins) -> None:
    said = {}
    for line in LINES.strip().splitlines():
        ours, real = pair.ours(line.split()), pair.real(line.split())
        assert plain(ours) == plain(real), line
        said[line] = ours[0] + ours[1]
    assert said["get hpa.v1.autoscaling w -o jsonpath={.apiVersion}"] == "autoscaling/v2"
    assert (
        "targetCPUUtilizationPercentage: 50"
        in (said["get horizontalpodautoscalers.v1.autoscaling w -o yaml"])
    )
    assert "lower priority resource events.events.k8s.io" in said["get ev -o name"]
