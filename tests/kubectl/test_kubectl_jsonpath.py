"""JSONPath, compared with the real kubectl on one object."""

from __future__ import annotations

import json
from typing import Any

import pytest
from kubectl_oracle import Oracle

from minik8s.kubectl.jsonpath import JSONPath, JSONPathError

DOCUMENT: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {
        "name": "web",
        "namespace": "shop",
        "labels": {"app": "web"},
        "annotations": {"note": "a <b> & c", "dotted.key/x": "yes"},
    },
    "spec": {
        "replicas": 3,
        "ratio": 2.5,
        "big": 12345678.5,
        "small": 0.00001,
        "paused": False,
        "nothing": None,
        "selector": {"matchLabels": {"app": "web"}},
        "template": {
            "spec": {
                "containers": [
                    {"name": "nginx", "image": "nginx:1", "ports": [{"containerPort": 80}]},
                    {
                        "name": "side",
                        "image": "side:2",
                        "command": ["sh", "-c"],
                        "args": ['echo "hi"; sleep 5'],
                        "resources": {},
                    },
                ]
            }
        },
    },
    "status": {"ready": True, "counts": [3, 1, 2]},
}
LOCAL = ["label", "--local", "-f", "-", "app=web", "--overwrite"]
"""A command that prints what it read, without a server."""

TEMPLATES = [
    "{.spec.ratio} {.spec.big} {.spec.small} {.spec.paused} {.spec.nothing}",
    "{.spec.nothing.x}{.spec.nothing[0]}{.spec.nothing.*}",
    "{.status.counts[?(@ > 1)]}",
    "{.status.counts[?(@>=2)]} {.status.counts[?(@<2)]} {.status.counts[?(@<=2)]}",
    "{.status.counts[?(@>1.5)]}",
    "{.status.counts[?(@=='1')]}",
    "{.status[?(@)]}",
    "{.metadata.annotations.dotted\\.key/x}",
    "{.metadata.annotations['dotted\\.key/x']}",
    "{.metadata.annotations['dotted.key/x']}",
    "{.metadata.annotations.note}",
    "{.spec.template.spec.containers[?(@.ports[*].containerPort==80)].name}",
    "{.spec.template.spec.containers[*].ports[*].containerPort}",
    "{.spec.template.spec.containers[*]['name','image']}",
    "{.spec.template.spec.containers[?(@.name==@.name)].name}",
    "{.spec.template.spec.containers[?(@.name=~'x')].name}",
    "{.status.ready}{.status.counts}",
    "{.status.counts[*]}",
    "{.status.counts.*}",
    "{.metadata.name}",
    "{.metadata}",
    "{.spec.replicas}",
    "{.spec.template.spec.containers[*].name}",
    "{.spec.template.spec.containers[0].image}",
    "{.spec.template.spec.containers[-1].image}",
    "{.spec.template.spec.containers[0:1].image}",
    "{.spec.template.spec.containers[-2:].image}",
    "{.spec.template.spec.containers[::2].image}",
    "{.spec.template.spec.containers[:1].name}",
    "{.spec.template.spec.containers[0,1].name}",
    "{.spec.template.spec.containers[5].name}",
    "{.spec.template.spec.containers[1:0].name}",
    "{.spec.template.spec.containers[0:9].name}",
    "{.spec.template.spec.containers[0:2:-1].name}",
    "{.metadata['name','namespace']}",
    "{['metadata'].name}",
    "{['metadata.name']}",
    "{.metadata.name} in {.metadata.namespace}{'\\n'}",
    '{.metadata.name}{"\\t"}{.kind}{"\\n"}',
    "{range .spec.template.spec.containers[*]}{.name}={.image}{'\\n'}{end}",
    "{range .spec.template.spec.containers[*]}[{.name}, {.args[0]}] {end}",
    "{range .nothing[*]}{.name}{end}after",
    "{range .spec.template.spec.containers[*]}{range .command[*]}<{@}>{end};{end}",
    "{.spec.template.spec.containers[?(@.name=='nginx')].image}",
    '{.spec.template.spec.containers[?(@.name=="side")].image}',
    "{.spec.template.spec.containers[?(@.name!='nginx')].image}",
    "{.spec.template.spec.containers[?(@.command)].name}",
    "{.spec.template.spec.containers[?(@.nope)].name}",
    "{.spec.template.spec.containers[?(@.name > 'a')].name}",
    "{.spec.template.spec.containers[?(@.name==1)].name}",
    "{.spec[?(@.name==1)]}",
    "{..image}",
    "{..name}",
    "{.spec.template..image}",
    "{.missing}",
    "{.missing.deeper}",
    "{.metadata.labels.*}",
    "{.metadata.labels.app}",
    "{.metadata.labels['app']}",
    "{.metadata.la\\bels.app}",
    "{$.kind}",
    "{@.kind}",
    "{.kind",
    "{",
    "{}",
    "",
    "text only",
    "a}b",
    "{.items[0",
    "{.spec.template.spec.containers[x].name}",
    "{.spec.template.spec.containers[?(@.name=='nginx'].image}",
    "{.spec.template.spec.containers[?(@.name=='nginx')}",
    "{'unclosed}",
    "{'it\\'s'}",
    '{"say \\"x\\""}',
    "{'bad \\q'}",
    "{....name}",
    "{end}",
    "{word}",
    "{range}{.kind}{end}",
    "{range .metadata}{.name}{end}",
    "{&}",
    "{1}",
    "{-1.5}",
    "{true}",
    "{1.2.3}",
    "{.metadata.name[0]}",
    "{.spec.template.spec.containers.name}",
    "{.spec.template.spec.containers[*].resources}",
    "{.status}",
    "{.spec.selector.matchLabels}",
    "{.spec.template.spec.containers}",
    "{.spec.template.spec.containers[?(@.command[0]=='sh')].name}",
    "{.metadata.name},{.metadata.name}",
    "kubectl get\n{.kind}\n",
    "{ .kind }",
    "{.kind .metadata.name}",
    "{.spec.replicas}{.spec.replicas}",
    "{.spec.replicas} {.metadata.labels}",
]


def _ours(template: str, as_json: bool) -> tuple[str, str]:
    try:
        return JSONPath(template).render(DOCUMENT, as_json=as_json), ""
    except JSONPathError as error:
        return "", str(error)


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("format", ["jsonpath", "jsonpath-as-json"])
def test_templates_give_what_kubectl_gives(template: str, format: str, oracle: Oracle) -> None:
    command = [*LOCAL, "-o", f"{format}={template}"]
    ran = oracle.ask(command, json.dumps(DOCUMENT).encode())
    out, error = _ours(template, format != "jsonpath")
    if not template:
        assert "template format specified but no template given" in ran.err
    elif error:
        assert ran.code == 1
        assert error in ran.err
    else:
        assert (out, "") == (ran.out, ran.err)
