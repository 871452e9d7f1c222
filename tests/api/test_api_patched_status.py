"""A patch that leaves a pod's status alone leaves all of it, its nulls too."""

from __future__ import annotations

import pytest

from minik8s.apiserver import ApiServer, Request
from minik8s.model.registry import POD
from minik8s.runtime import Runtime

PODS = "/api/v1/namespaces/default/pods"


@pytest.mark.parametrize("place", ["web", "web/status"])
@pytest.mark.parametrize("media", ["merge-patch", "strategic-merge-patch"])
def test_a_status_that_a_patch_does_not_touch(place: str, media: str) -> None:
    runtime = Runtime()
    api = ApiServer(runtime)
    spec = {"containers": [{"name": "main", "image": "nginx"}]}
    api.handle(Request("POST", PODS, body={"metadata": {"name": "web"}, "spec": spec}))
    before = runtime.store.get(POD, "default", "web")
    assert before is not None
    assert before["status"]["conditions"][0]["lastProbeTime"] is None
    headers = {"content-type": f"application/{media}+json"}
    change = {"metadata": {"labels": {"a": "b"}}}
    response = api.handle(Request("PATCH", f"{PODS}/{place}", headers=headers, body=change))
    assert response.code == 200
    after = runtime.store.get(POD, "default", "web")
    assert after is not None
    assert after["status"] == before["status"]
