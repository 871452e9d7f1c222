"""YAML and JSON in, compared with what the real kubectl reads."""

from __future__ import annotations

import json

import pytest
from kubectl_oracle import Oracle

from minik8s.kubectl.gotext import indented_json
from minik8s.kubectl.yamlin import ParseError, documents

LOCAL = ["label", "--local", "-f", "-", "-o", "json", "z=1"]
HEAD = "apiVersion: v1\nkind: ConfigMap\n"
GOOD = [
    *[
        "yes",
        "no",
        "on",
        "off",
        "y",
        "n",
        "Y",
        "true",
        "TRUE",
        "null",
        "~",
        "Null",
        "0",
        "-1",
        "+1",
        "007",
        "08",
        "0o17",
        "0x1F",
        "0b101",
        "1_000",
        "1.5",
        ".5",
    ],
    *[
        "5.",
        "1e3",
        "-1.5e-3",
        "1:30",
        "190:20:30",
        "2020-01-01",
        "2020-01-01T00:00:00Z",
        "1.2.3",
        "0x",
        "1e",
        "v1",
        "a:b",
    ],
    *[
        "18446744073709551615",
        "9223372036854775807",
        "99999999999999999999999",
        "1.0",
        "1.10",
        "100m",
        "0777",
    ],
    "2020-01-01 00:00:00",
    "'yes'",
    '"1"',
    "!!str 1",
    "!!int 1",
    "!!float 1",
    "! 1",
    "|\n  a\n  b",
    "|-\n  a\n  b",
    "|+\n  a\n\n",
    ">\n  a\n  b\n\n  c",
    ">-\n  a\n    b",
    "|2\n    a",
    "a\n  b\n\n  c",
    '"a\\n\\tb\\x41\\u00e9\\\n  c"',
    "'it''s'",
    "[a, b, 1, yes]",
    "{a: 1, b: [c]}",
    "&x [1]\nw: *x",
    "{<<: {a: 1}, b: 2}",
    "&m {a: 1}\nw:\n  <<: *m\n  b: 2",
    "\n- a\n- b: c\n  d: e\n- - f",
    "# comment",
    "a # comment",
    "a#b",
    "\n  1: a\n  1.5: b\n  yes: c",
    "x\nv: y",
    "!!binary aGVsbG8=",
    "<<",
    "=",
    "é 日本 😀",
]
BAD = [
    "a: -\n",
    "apiVersion: v1\nv: -\n",
    "a: 1\nv: ? a\n  : b\n",
    "a: b: c\n",
    "a: [1\n",
    "a: [1 2\nb: 3\n",
    "a: {b: 1\n",
    "a: {b: 1 c: 2}\nd: 4\n",
    'a: "x\n',
    "a: 'x\n",
    "a: *x\n",
    "a: &x [*x]\n",
    "\ta: 1\n",
    "a: 1\n\tb: 2\n",
    "a:\n\t- b\n",
    "a: 1\n b: 2\n",
    "a:\n- b\n c: d\n",
    "a:\n  b: 1\n c: 2\n",
    "a: 1\nb\nc: 2\n",
    "{a: 1\n",
    '{"a": 1,,}',
    '{"a',
    "{",
    '{"a": [1, }',
    '{"a": tru\n',
    '{"a": "x\ny"',
    '{"a": 1}\n{"b": 2}\n{"c"\n',
    "null: 2\n",
    "a: 1\n--- foo\nb: 2\n",
    "%YAML 1.3\n---\na: 1\n",
    "a: @x\n",
    "a: `x\n",
    "a: %x\n",
    "key: - a\n",
    "- a\nb: c\n",
    "a: |\n b\nc\n",
    "a: !!int x\n",
    "a: .nan\n",
    "a: <<: b\n",
    "a:\n  <<: 1\n",
    "---\na: 1\n---\nb: [\n---\nc: 1\n",
    "a: 1\n\n\n\nb: ]\n",
    "a: }\n",
    "? [a]\n: b\n",
    "a: \x01\n",
    "spec:\n  podSelector:\n    matchLabels:\n      app: backend\n     policyTypes:\n",
    "spec:\n  podSelector: {}\n  ingress:\n  - from:\n    - podSelector:\n      app: x\n   - y\n",
]


@pytest.mark.parametrize("value", GOOD)
def test_values_mean_what_they_mean_to_kubectl(value: str, oracle: Oracle) -> None:
    text = f"{HEAD}v: {value}\n"
    ran = oracle.ask(LOCAL, text.encode())
    assert not ran.err
    expected = json.loads(ran.out)
    del expected["metadata"]
    (document,) = documents(text.encode())
    printed = json.loads(indented_json(document))
    assert printed == expected
    assert repr(printed["v"]) == repr(expected["v"])


@pytest.mark.parametrize("text", BAD)
def test_mistakes_are_named_as_kubectl_names_them(text: str, oracle: Oracle) -> None:
    message = oracle.ask(LOCAL, text.encode()).err
    with pytest.raises(ParseError) as caught:
        list(documents(text.encode()))
    assert f"error parsing STDIN: {caught.value}\n" in message
