"""An explanation in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from minik8s.analysis.directory import DeadEnd
from minik8s.analysis.explain import Explanation, Hop, Outcome, Side
from minik8s.analysis.jsonable import jsonable
from minik8s.analysis.suggest import Suggestion
from minik8s.policy.compile import Action, Tier
from minik8s.policy.values import Direction, Peer, PolicyRef, Reason, RuleRef, Verdict
from minik8s.policy.why import PolicyTrial, RuleTrial, Trial

_SHOWN = 20
"""How many additional connections a text lists."""

_SEEN = {
    Outcome.CONNECTED: "the program connects",
    Outcome.REFUSED: "the program sees: connection refused",
    Outcome.TIMED_OUT: "the program sees: connection timed out",
    Outcome.UNRESOLVED: "the program sees: resolving timed out",
}
_NO_NAME = "the program sees: could not resolve host"


def explain_text(explanation: Explanation) -> str:
    """The explanation as lines for a terminal."""
    return "\n".join(_lines(explanation)) + "\n"


def explain_data(explanation: Explanation) -> dict[str, Any]:
    """The explanation as JSON data."""
    suggestion = explanation.suggestion
    return {
        "from": explanation.source,
        "to": explanation.target,
        "port": explanation.port,
        "protocol": explanation.protocol,
        "verdict": explanation.verdict.value,
        "outcome": [outcome.value for outcome in explanation.outcomes],
        "lookup": [_hop_data(hop) for hop in explanation.lookup],
        "service": explanation.route.service or None,
        "names": list(explanation.route.tried),
        "deadEnd": explanation.route.dead_end.value if explanation.route.dead_end else None,
        "hops": [_hop_data(hop) for hop in explanation.hops],
        "suggestion": jsonable(suggestion) if suggestion else None,
    }


def _hop_data(hop: Hop) -> dict[str, Any]:
    return {
        "from": hop.source.key,
        "to": hop.target.key,
        "seenAs": hop.seen.key if hop.seen else None,
        "port": hop.port,
        "protocol": hop.protocol,
        "verdict": hop.verdict.value,
        "outcome": hop.outcome.value,
        "listening": hop.listening,
        "egress": _side_data(hop.egress),
        "ingress": _side_data(hop.ingress),
    }


def _side_data(side: Side) -> dict[str, Any]:
    return {
        "pod": side.pod,
        "verdict": side.decision.verdict.value,
        "reason": side.decision.reason.value,
        "selecting": jsonable(side.decision.selecting),
        "matched": jsonable(side.decision.matched),
        "rules": jsonable(side.rules),
        "policies": jsonable(side.policies),
        "without": side.without.value if side.without else None,
        "trials": jsonable(side.trials),
    }


def _lines(explanation: Explanation) -> Iterator[str]:
    port = f" {_port_text(explanation.protocol, explanation.port)}"
    yield f"{explanation.source} -> {explanation.target}{port}: {explanation.verdict.value}"
    for outcome in explanation.outcomes:
        no_name = explanation.route.dead_end is DeadEnd.NO_NAME
        unknown = no_name and all(hop.verdict is Verdict.ALLOW for hop in explanation.lookup)
        yield f"  {_NO_NAME if unknown else _SEEN[outcome]}"
    yield from _route_lines(explanation)
    if explanation.lookup:
        yield from _hop_lines(explanation.lookup, "DNS lookup")
    if explanation.hops:
        yield from _hop_lines(explanation.hops, "connection")
    if explanation.suggestion is not None:
        yield from _suggestion_lines(explanation.suggestion)


def _port_text(protocol: str, port: int | None) -> str:
    return protocol if port is None else f"{port}/{protocol}"


def _route_lines(explanation: Explanation) -> Iterator[str]:
    route = explanation.route
    if len(route.tried) == 1:
        yield f"name: {explanation.target} is asked for as {route.tried[0]}"
    elif route.tried:
        yield f"name: {explanation.target} is asked for, in turn, as"
        yield from (f"  {name}" for name in route.tried)
    if route.dead_end is DeadEnd.NO_NAME:
        yield "name: the DNS servers answer that there is no such name"
    if route.dead_end is DeadEnd.OTHER_IP_VERSION:
        yield f"addresses: {route.dead_end.value}"
    if route.service:
        ends = (
            ", ".join(f"{end.peer.key}:{end.port}" for end in route.endpoints)
            or f"nobody: {route.dead_end.value if route.dead_end else ''}"
        )
        yield f"service {route.service} leads to {ends}"


def _hop_lines(hops: tuple[Hop, ...], title: str) -> Iterator[str]:
    """The first hop of each verdict in full, the others by name."""
    for verdict in Verdict:
        group = [hop for hop in hops if hop.verdict is verdict]
        if not group:
            continue
        hop = group[0]
        where = f"{_peer_text(hop.source)} -> {_peer_text(hop.target)}"
        if hop.seen is not None:
            where += f" by way of {_peer_text(hop.seen)}, whose address it shows"
        yield f"{title} {where} {_port_text(hop.protocol, hop.port)}: {verdict.value}"
        for other in group[1:]:
            yield f"  and so {other.source.key} -> {other.target.key}"
        yield from _side_lines(hop.egress)
        yield from _side_lines(hop.ingress)
        if hop.verdict is Verdict.ALLOW:
            yield f"  listener: {_listener_text(hop)}"


def _listener_text(hop: Hop) -> str:
    if hop.listening is None:
        return "not known"
    port = _port_text(hop.protocol, hop.port)
    return f"{hop.target.key} {'listens' if hop.listening else 'does not listen'} on {port}"


def _peer_text(peer: Peer) -> str:
    if peer.namespace:
        return f"{peer.key} ({peer.address})" if peer.address else peer.key
    return f"node {peer.name}" if peer.name else peer.address


def _side_lines(side: Side) -> Iterator[str]:
    decision = side.decision
    word = decision.direction.value.lower()
    if decision.reason is not Reason.RULE and decision.reason is not Reason.NO_RULE:
        yield f"  {word} of {side.pod}: {decision.verdict.value} ({decision.reason.value})"
        return
    yield f"  {word} of {side.pod}: {decision.verdict.value} ({_why(side)})"
    for trial in side.trials:
        yield f"    {_policy_text(trial)}"
        if not trial.rules:
            yield f"      no {word} rule"
        for rule in trial.rules:
            yield from _rule_lines(rule)
    if side.without is not None and side.without is not decision.verdict:
        named = [*map(_rule_text, side.rules), *map(_ref_text, side.policies)]
        yield f"    without {', '.join(named)}: {side.without.value}"


def _why(side: Side) -> str:
    matched = side.decision.matched
    if matched is not None:
        return f"by {_rule_text(matched)}"
    return "no rule of the selecting policies matches"


def _ref_text(ref: PolicyRef) -> str:
    return f"{ref.kind} {ref}"


def _rule_text(ref: RuleRef) -> str:
    return f"{ref.direction.value.lower()}[{ref.index}] of {_ref_text(ref.policy)}"


def _policy_text(trial: PolicyTrial) -> str:
    if trial.tier is Tier.NETWORK_POLICY:
        return f"{_ref_text(trial.policy)} selects it"
    tier = trial.tier.name.capitalize()
    return f"{_ref_text(trial.policy)} (tier {tier}, priority {trial.priority}) selects it"


def _rule_lines(rule: RuleTrial) -> Iterator[str]:
    section = rule.ref.direction.value.lower()
    peers = "from" if rule.ref.direction is Direction.INGRESS else "to"
    action = "" if rule.action is Action.ACCEPT else f" {rule.action.value}"
    name = f" ({rule.name})" if rule.name else ""
    result = "matches" if rule.matched else "no match"
    yield f"      {section}[{rule.ref.index}]{name}{action}: {result}"
    yield from _trial_lines(peers, rule.peers, "every peer")
    yield from _trial_lines("ports", rule.ports, "every port")


def _trial_lines(field: str, trials: tuple[Trial, ...], everything: str) -> Iterator[str]:
    if not trials:
        yield f"        {field}: {everything}"
    for trial in trials:
        yield f"        {field}[{trial.index}]: {_trial_text(trial)}"


def _trial_text(trial: Trial) -> str:
    if trial.failure is None:
        return "matches"
    detail = f" ({trial.detail})" if trial.detail else ""
    return f"{trial.failure.value}{detail}"


def _suggestion_lines(suggestion: Suggestion) -> Iterator[str]:
    import yaml

    if not suggestion.policies:
        yield f"no policy would help: {suggestion.note}"
        return
    yield "these policies would allow it:"
    for document in suggestion.policies:
        yield "---"
        yield yaml.safe_dump(document, sort_keys=False).rstrip()
    if suggestion.opens:
        yield "they also open:"
        for pair in suggestion.opens[:_SHOWN]:
            yield f"  {pair.source} -> {pair.target} {_port_text(pair.protocol, pair.port)}"
        if len(suggestion.opens) > _SHOWN:
            yield f"  and {len(suggestion.opens) - _SHOWN} more"
