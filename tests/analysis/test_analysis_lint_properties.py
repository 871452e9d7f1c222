"""What lint calls useless is useless; what the documents decide it finds exactly."""

from __future__ import annotations

from analysis_checks import check_lint
from hypothesis import given
from policy_cluster_worlds import cluster_worlds
from policy_worlds import few, worlds

from minik8s.analysis import inputs, lint


@few
@given(worlds())
def test_findings_of_network_policies(documents):
    check_lint(lint, inputs, documents)


@few
@given(cluster_worlds())
def test_findings_of_cluster_wide_policies(documents):
    check_lint(lint, inputs, documents)
