"""Label and field selectors, against a naive matcher and the texts of the real parser."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minik8s.model.registry import (
    CONFIG_MAP,
    EVENT,
    NAMESPACE,
    NODE,
    POD,
    SECRET,
    SERVICE,
)
from minik8s.model.selectors import (
    EVERYTHING,
    NOTHING,
    SelectorError,
    format_label_selector,
    label_selector,
    map_selector,
    parse_field_selector,
    parse_selector,
)

KEYS = st.sampled_from(["app", "tier", "env", "example.com/zone"])
VALUES = st.sampled_from(["", "a", "b", "web", "db-1"])
LABELS = st.dictionaries(KEYS, VALUES, max_size=4)
EXPRESSIONS = st.one_of(
    st.fixed_dictionaries(
        {
            "key": KEYS,
            "operator": st.sampled_from(["In", "NotIn"]),
            "values": st.lists(VALUES, min_size=1, max_size=3),
        }
    ),
    st.fixed_dictionaries({"key": KEYS, "operator": st.sampled_from(["Exists", "DoesNotExist"])}),
)
SELECTORS = st.fixed_dictionaries(
    {},
    optional={"matchLabels": LABELS, "matchExpressions": st.lists(EXPRESSIONS, max_size=3)},
)


def naively(selector, labels):
    """Straight from the API documentation of metav1.LabelSelector."""
    for key, value in selector.get("matchLabels", {}).items():
        if key not in labels or labels[key] != value:
            return False
    for expression in selector.get("matchExpressions", []):
        key, operator = expression["key"], expression["operator"]
        there = key in labels
        holds = {
            "In": there and labels.get(key) in expression.get("values", []),
            "NotIn": not there or labels.get(key) not in expression.get("values", []),
            "Exists": there,
            "DoesNotExist": not there,
        }[operator]
        if not holds:
            return False
    return True


@given(SELECTORS, LABELS)
def test_label_selector_agrees_with_the_documentation(selector, labels):
    assert label_selector(selector).matches(labels) == naively(selector, labels)


def as_query(selector):
    parts = [f"{key}={value}" for key, value in selector.get("matchLabels", {}).items()]
    for expression in selector.get("matchExpressions", []):
        key, operator = expression["key"], expression["operator"]
        values = ",".join(expression.get("values", []))
        parts.append(
            {
                "In": f"{key} in ({values})",
                "NotIn": f"{key}  notin({values})",
                "Exists": key,
                "DoesNotExist": f"! {key}",
            }[operator]
        )
    return " , ".join(parts)


@given(SELECTORS, LABELS)
def test_query_means_the_same_as_the_document(selector, labels):
    assert parse_selector(as_query(selector)).matches(labels) == naively(selector, labels)


@given(SELECTORS, LABELS)
def test_printed_selector_means_the_same(selector, labels):
    printed = str(parse_selector(as_query(selector)))
    assert parse_selector(printed).matches(labels) == naively(selector, labels)
    assert str(parse_selector(printed)) == printed


@given(LABELS, LABELS)
def test_map_selector_asks_for_every_label(wanted, labels):
    assert map_selector(wanted).matches(labels) == (wanted.items() <= labels.items())


def test_extremes():
    assert label_selector(None) is NOTHING
    assert not NOTHING.matches({})
    assert not NOTHING.empty
    assert label_selector({}) == EVERYTHING
    assert EVERYTHING.empty
    assert EVERYTHING.matches({"a": "b"})
    assert map_selector(None).empty
    assert parse_selector("  ").empty
    with pytest.raises(SelectorError, match="not a valid label selector operator"):
        label_selector({"matchExpressions": [{"key": "a", "operator": "Equals"}]})


@pytest.mark.parametrize(
    ("query", "labels", "expected"),
    [
        ("a!=b", {}, True),
        ("a!=b", {"a": "b"}, False),
        ("a notin (b)", {}, True),
        ("a=", {"a": ""}, True),
        ("a=", {}, False),
        ("a in ()", {"a": ""}, True),
        ("x in (foo,,baz)", {"x": ""}, True),
        ("a==b", {"a": "b"}, True),
        ("a>5", {"a": "6"}, True),
        ("a>5", {"a": "5"}, False),
        ("a<5", {"a": "-1"}, True),
        ("a<5", {"a": "x"}, False),
        ("a<5", {}, False),
        ("in=notin", {"in": "notin"}, True),
        ("!in", {}, True),
    ],
)
def test_queries(query, labels, expected):
    assert parse_selector(query).matches(labels) is expected


NAME_RULE = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end "
    "with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for "
    "validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)
VALUE_RULE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or "
    "'.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  "
    "or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        # recorded with the other errors of the API
        ("a=b=c", "unable to parse requirement: found '=', expected: ',' or 'end of string'"),
        ("a b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"),
        ("a,", "found '', expected: identifier after ','"),
        ("a,=", "found '=', expected: identifier after ','"),
        ("=a", "found '=', expected: !, identifier, or 'end of string'"),
        ("!", "unable to parse requirement: found '', expected: identifier"),
        ("a=!", "unable to parse requirement: found '!', expected: identifier"),
        ("a in b", "unable to parse requirement: found 'b' expected: '('"),
        (
            "a in (",
            "unable to parse requirement: found '', expected: ',', ')' or identifier",
        ),
        ("a in (b", "unable to parse requirement: found '', expected: ',' or ')'"),
        ("a in (b,", "unable to parse requirement: found '', expected: ',', or identifier"),
        ("a in (b=c)", "unable to parse requirement: found '=', expected: ',' or ')'"),
        (
            "-x=1",
            f'unable to parse requirement: <nil>: Invalid value: "-x": {NAME_RULE}',
        ),
        (
            "a=-x",
            f'unable to parse requirement: values[0][a]: Invalid value: "-x": {VALUE_RULE}',
        ),
        (
            "a>b",
            "unable to parse requirement: values[0]: Invalid value: \"b\": for 'Gt', 'Lt' "
            "operators, the value must be an integer",
        ),
    ],
)
def test_bad_queries(query, message):
    with pytest.raises(SelectorError) as caught:
        parse_selector(query)
    assert str(caught.value) == message


@given(st.text(alphabet="ab=!(),<> in\tnotin-", max_size=14))
def test_any_text_is_a_selector_or_an_error(text):
    try:
        selector = parse_selector(text)
    except SelectorError:
        return
    assert str(parse_selector(str(selector))) == str(selector)


def test_printed_in_tables():
    """The example that `kubectl describe` was recorded with."""
    selector = {
        "matchLabels": {"b": "2", "a": "1"},
        "matchExpressions": [
            {"key": "tier", "operator": "NotIn", "values": ["x"]},
            {"key": "app", "operator": "In", "values": ["z", "a", "b"]},
            {"key": "ex", "operator": "Exists"},
            {"key": "nex", "operator": "DoesNotExist"},
            {"key": "one", "operator": "In", "values": ["v"]},
        ],
    }
    assert format_label_selector(selector) == (
        "a=1,app in (a,b,z),b=2,ex,!nex,one in (v),tier notin (x)"
    )
    assert format_label_selector(None) == format_label_selector({}) == "<none>"
    assert format_label_selector({"matchExpressions": [{"key": "a", "operator": "?"}]}) == "<error>"


POD_DOCUMENT = {
    "metadata": {"name": "web", "namespace": "shop"},
    "spec": {"nodeName": "worker-1", "hostNetwork": True},
    "status": {"phase": "Running", "podIP": "10.0.0.5"},
}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", True),
        ("status.phase=Running", True),
        ("status.phase==Running,spec.nodeName=worker-1", True),
        ("status.phase!=Running", False),
        ("status.phase!=Succeeded,status.phase!=Failed", True),
        ("metadata.name=web,metadata.namespace=shop", True),
        ("metadata.name=api", False),
        ("spec.host=worker-1", True),
        ("spec.hostNetwork=true", True),
        ("status.nominatedNodeName=", True),
        ("metadata.name=a\\,b", False),
    ],
)
def test_field_queries(query, expected):
    assert parse_field_selector(query, POD).matches(POD_DOCUMENT) is expected


def test_field_queries_of_other_kinds():
    event = {
        "metadata": {"name": "e", "namespace": "shop"},
        "involvedObject": {"kind": "Pod", "name": "web", "uid": "u"},
        "source": {"component": "kubelet"},
        "type": "Normal",
    }
    query = "involvedObject.kind=Pod,involvedObject.name=web,involvedObject.uid=u,source=kubelet"
    assert parse_field_selector(query, EVENT).matches(event)
    assert not parse_field_selector("involvedObject.kind=Node", EVENT).matches(event)
    assert parse_field_selector("spec.unschedulable=false", NODE).matches({"metadata": {}})
    assert parse_field_selector("status.phase=Active", NAMESPACE).matches(
        {"status": {"phase": "Active"}}
    )
    assert parse_field_selector("type=Opaque", SECRET).matches({"type": "Opaque"})
    assert parse_field_selector("spec.clusterIP=None", SERVICE).matches(
        {"spec": {"clusterIP": "None"}}
    )


def test_pinned_fields_and_printing():
    selector = parse_field_selector("spec.nodeName=n,metadata.name!=x", POD)
    assert str(selector) == "metadata.name!=x,spec.nodeName=n"
    assert selector.exact("spec.nodeName") == "n"
    assert selector.exact("metadata.name") is None
    assert parse_field_selector("").empty


@pytest.mark.parametrize(
    ("kind", "query", "message"),
    [
        (POD, "spec.foo=bar", "field label not supported: spec.foo"),
        (
            CONFIG_MAP,
            "data.a=b",
            '"data.a" is not a known field selector: only "metadata.name", "metadata.namespace"',
        ),
        (POD, "status.phase", "invalid selector: 'status.phase'; can't understand 'status.phase'"),
        (POD, "metadata.name=a=b", "invalid field selector: unescaped character in value: ="),
        (POD, "metadata.name=a\\b", "invalid field selector: invalid escape sequence: \\b"),
    ],
)
def test_bad_field_queries(kind, query, message):
    with pytest.raises(SelectorError) as caught:
        parse_field_selector(query, kind)
    assert str(caught.value) == message
