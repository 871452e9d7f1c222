"""Every explanation is checked by the naive evaluator: verdicts, counterfactuals, suggestions."""

from __future__ import annotations

from analysis_checks import check_explanation, check_suggestion
from hypothesis import given
from hypothesis import strategies as st
from policy_cluster_worlds import all_ends, cluster_worlds
from policy_worlds import PROBED, ends, many, worlds

from minik8s.analysis import explain

probes = st.tuples(st.integers(0, 20), st.integers(0, 20), st.sampled_from(PROBED))


def probed(places, probe):
    one, other, (protocol, port) = probe
    return places[one % len(places)], places[other % len(places)], protocol, port


@many
@given(worlds(), probes)
def test_explanations_hold_what_they_say(documents, probe):
    check_explanation(explain, documents, *probed(ends(documents), probe))


@many
@given(worlds(), probes)
def test_suggested_policies_open_what_they_say_and_close_nothing(documents, probe):
    check_suggestion(explain, documents, *probed(ends(documents), probe))


@many
@given(cluster_worlds(), probes)
def test_cluster_wide_explanations_hold_what_they_say(documents, probe):
    check_explanation(explain, documents, *probed(all_ends(documents), probe))


@many
@given(cluster_worlds(), probes)
def test_suggestions_against_cluster_wide_policies_work(documents, probe):
    check_suggestion(explain, documents, *probed(all_ends(documents), probe))
