"""What lint calls useless is useless: without it the naive evaluator answers the same."""

from __future__ import annotations

import copy
import re

from hypothesis import given
from policy_naive import World
from policy_worlds import PROBED, ends, few, worlds

from minik8s.analysis.inputs import Layout, Source
from minik8s.analysis.lint import lint

USELESS = {"selects-nothing", "duplicate", "shadowed"}
PLACE = re.compile(r"spec\.(ingress|egress)\[(\d+)\]")


class Placed(Source):
    """A source whose "line" tells the path that was asked for."""

    def line_of(self, path):
        paths.append(path)
        return len(paths) - 1


paths = []


@few
@given(worlds())
def test_useless_things_can_go(documents):
    paths.clear()
    found = lint([Placed(document, "file", Layout(1)) for document in documents])
    useless = [finding for finding in found if finding.code in USELESS]
    for finding in useless:
        kept = [d for d in documents if finding.subject != subject(d)]
        assert answers(documents) == answers(kept), finding
    for finding in found:
        if finding.code == "rule-never-matches":
            assert answers(documents) == answers(without_rule(documents, finding)), finding


def subject(document):
    return (
        f"{document['kind']} {document['metadata'].get('namespace')}/{document['metadata']['name']}"
    )


def without_rule(documents, finding):
    section, index = PLACE.match(paths[finding.line]).groups()
    changed = copy.deepcopy(documents)
    for document in changed:
        if subject(document) == finding.subject:
            rules = document["spec"][section]
            whole = paths[finding.line].endswith((".from", ".to"))
            if whole:
                # an empty list keeps policyTypes as they are only if they are written out
                egress = document["spec"].get("egress")
                types = ["Ingress", "Egress"] if egress else ["Ingress"]
                document["spec"].setdefault("policyTypes", types)
                rules[int(index)] = None
                document["spec"][section] = [rule for rule in rules if rule is not None]
    return changed


def answers(documents):
    world, places = World(documents), ends(documents)
    return [
        world.allows(world.end(one), world.end(other), protocol, port)
        for one in places
        for other in places
        for protocol, port in PROBED[::2]
    ]
