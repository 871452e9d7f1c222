"""What a server serves and where it is, beside the real kubectl on a twin cluster."""

import pytest
from kubectl_bridge import twins

COMMANDS = [
    "api-resources",
    "api-resources -o wide",
    "api-resources -o name",
    "api-resources -o json",
    "api-resources -o yaml",
    "api-resources -o bogus",
    "api-resources --namespaced=false --no-headers",
    "api-resources --api-group=apps",
    "api-resources --api-group=nosuch",
    "api-resources --verbs=watch,delete --sort-by=kind",
    "api-resources --sort-by=bogus",
    "api-resources --categories=all",
    "api-resources pods",
    "api-versions",
    "api-versions x",
    "cluster-info",
    "cluster-info dump --namespaces=default",
    "cluster-info dump -o yaml",
    "cluster-info dump -o bogus",
    "version",
    "version -o json",
    "version -o yaml",
    "version -o bogus",
    "version x",
]


@pytest.fixture(scope="module")
def pair(real_kubectl, tmp_path_factory):
    with twins(real_kubectl, tmp_path_factory.mktemp("discovery"), {}) as both:
        yield both


@pytest.mark.parametrize("command", COMMANDS)
def test_discovery_prints_what_the_real_one_prints(pair, command):
    assert pair.ours(command.split()) == pair.real(command.split())
