"""Random definitions, objects and patches: every answer is an object or a Status, never a crash."""

from __future__ import annotations

import copy
import json
import random
from collections import Counter
from typing import Any

import pytest
from test_openapi_custom import DEFINITION, crontab

from minik8s.apiserver import Request, Response
from minik8s.cluster import Cluster

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
OBJECTS = "/apis/stable.example.com/v1/namespaces/default/crontabs"
APPLY, MERGE = "application/apply-patch+yaml", "application/merge-patch+json"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
JUNK: list[Any] = [
    *(None, 1, -1, 0, 1.5, "", "x", ".spec.x", "a b", [], {}, [1], ["a"], [{}], {"a": 1}),
    *(True, False, "object", "array", "v1", "(", {"type": "string"}, 10**30),
]
WORDS = ["type", "default", "items", "enum", "pattern", "nullable", "maximum", "not", "allOf"]
WORDS += ["required", "additionalProperties", "x-kubernetes-list-type"]


def mutated(value: Any, chance: random.Random) -> Any:
    """A copy with a few places changed, dropped or filled with junk."""
    value = copy.deepcopy(value)
    for _ in range(chance.choice([1, 1, 2, 4])):
        node = value
        while isinstance(node, (dict, list)) and node:
            key = (
                chance.choice(list(node)) if isinstance(node, dict) else chance.randrange(len(node))
            )
            if isinstance(node[key], (dict, list)) and node[key] and chance.random() > 0.2:
                node = node[key]
                continue
            kind = chance.random()
            if kind < 0.6 or isinstance(node, list):
                node[key] = copy.deepcopy(chance.choice(JUNK))
            elif kind < 0.8:
                del node[key]
            else:
                node[chance.choice(WORDS)] = copy.deepcopy(chance.choice(JUNK))
            break
    return value


class Sender:
    def __init__(self, seed: int) -> None:
        self.cluster = Cluster()
        self.chance = random.Random(seed)
        self.codes: Counter[int] = Counter()

    def __call__(
        self,
        method: str,
        path: str,
        body: Any = None,
        media: str = "application/json",
        **query: str,
    ) -> Response:
        headers = {"content-type": media}
        if method == "GET" and self.chance.random() < 0.5:
            headers["accept"] = TABLE
        asked = {name: [value] for name, value in query.items()}
        data = None if body is None else json.dumps(body).encode()
        response = self.cluster.server.handle(Request(method, path, asked, headers, data))
        assert response.code < 500, (response.body, body)
        self.codes[response.code] += 1
        return response

    def round(self) -> None:
        made = self("POST", DEFINITIONS, mutated(DEFINITION, self.chance), fieldValidation="Ignore")
        if made.code != 201:
            return
        for _ in range(3):
            spec = {"replicas": 2, "ports": [{"port": 1}], "free": {"a": 1}, "labels": {"a": "b"}}
            document = mutated(crontab(**spec), self.chance)
            self("POST", OBJECTS, document, fieldValidation="Ignore")
            for media in (APPLY, MERGE):
                self("PATCH", f"{OBJECTS}/mine", document, media, fieldManager="m", force="true")
            for place in ("mine", "mine/status", "mine/scale"):
                self("PUT", f"{OBJECTS}/{place}", document)
                self("GET", f"{OBJECTS}/{place}")
            self("GET", OBJECTS)
        self("GET", "/openapi/v3/apis/stable.example.com/v1")
        self("PUT", f"{DEFINITIONS}/crontabs.stable.example.com", mutated(DEFINITION, self.chance))
        self("GET", OBJECTS)
        self("DELETE", f"{DEFINITIONS}/crontabs.stable.example.com")


@pytest.mark.parametrize("seed", [1, 2])
def test_nothing_crashes(seed: int) -> None:
    send = Sender(seed)
    for _ in range(100):
        send.round()
    assert {200, 201, 400, 404, 422} <= set(send.codes)


@pytest.mark.parametrize("media", ["application/json", "application/yaml"])
@pytest.mark.parametrize("depth", [250, 700, 20_000])
def test_deep_bodies_are_refused(media: str, depth: int) -> None:
    text = json.dumps(crontab(free={})).replace(
        '"free": {}', f'"free": {"[" * depth + "]" * depth}'
    )
    cluster = Cluster()
    cluster.server.handle(Request("POST", DEFINITIONS, body=DEFINITION))
    request = Request("POST", OBJECTS, {}, {"content-type": media}, text.encode())
    response = cluster.server.handle(request)
    assert response.code == 400
