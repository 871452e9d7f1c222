"""YAML out and in, compared with the real kubectl."""

from __future__ import annotations

import json
import random
import subprocess
from pathlib import Path

import pytest

from minik8s.kubectl.failures import Failure
from minik8s.kubectl.kyaml import kyaml_text
from minik8s.kubectl.yamlout import yaml_text

pytestmark = pytest.mark.usefixtures("real_kubectl")

WORDS = [
    *[
        "yes",
        "no",
        "on",
        "off",
        "y",
        "n",
        "Y",
        "N",
        "Yes",
        "NO",
        "True",
        "false",
        "TRUE",
        "null",
        "Null",
        "~",
        "<<",
        ".inf",
        "-.inf",
        "+.Inf",
        ".nan",
    ],
    *[
        "0",
        "1",
        "-1",
        "+1",
        "007",
        "08",
        "0o17",
        "0x1F",
        "0b101",
        "-0b11",
        "1_000",
        "1.5",
        ".5",
        "5.",
        "1e3",
        "1E+3",
        "-1.5e-3",
        "1.2.3",
        "1:30",
    ],
    *["190:20:30", "12:30:45.5", "2020-01-01", "2020-1-1", "2020-13-01", "2020-01-01T00:00:00Z"],
    *[
        "99999999999999999999",
        "18446744073709551615",
        "9223372036854775808",
        "-9223372036854775809",
    ],
    *[
        "a:b",
        "a:",
        ":a",
        "::1",
        "?",
        "?a",
        "-",
        "-a",
        "---",
        "---a",
        "...",
        "#a",
        "a#b",
        "&a",
        "*a",
        "!a",
        "|a",
        ">a",
        "%a",
        "@a",
        "`a",
        "{a}",
        "[a]",
        "a,b",
        "'a",
        '"a',
    ],
    "2020-01-01 00:00:00",
    "2020-01-01T00:00:00",
    "a: b",
    "a #b",
    "a  b",
    " a",
    "a ",
    "a\tb",
    "\ta",
    "? a",
    "- a",
    "it's",
    'say "x"',
    "back\\slash",
    "a\n",
    "a\nb",
    "a\nb\n",
    "a\n\n",
    "\n",
    "\n\n",
    "\na",
    " a\nb",
    "a\n b",
    "a \nb",
    "a\nb ",
    "a\tb\nc",
    "a\rb",
    "é",
    "日本語",
    "😀",
    "a\u00a0b",
    "\ufeffa",
    "x" * 300,
    "word " * 60,
    "word " * 60 + "x",
    ": " + "word " * 60 + "x",
    "two  spaces " * 20 + "x",
    ": two  spaces  and   three " * 10 + "x",
    "a\tb " * 60 + "x",
    "a\tb  " * 60 + "x",
    "x" * 76 + " y",
    "x" * 75 + " y z",
    "x" * 100 + " " + "y" * 100 + " z",
    "it's a word " * 20 + "' x",
    "it's a word " * 20 + "'",
    "é" * 70 + " é é é é é é é é é é",
    "",
    "#!/bin/sh\nset -e\n\necho hi\n",
    "key: value\nlist:\n- a\n",
    "\x01",
    "1,2",
    "0.0.0.0",
    "1e",
    "0x",
    "+",
    "-.5",
    "=",
    "a=b",
    "10Mi",
    "1.0",
    "1.10",
    "100m",
    "on/off",
    "1 2",
]


def _random_texts(count: int) -> list[str]:
    source = random.Random(7)
    letters = "ab01 .:-#'\"\n,{}[]&*!|>%@`?~=_eE+\\\t"
    return [
        "".join(source.choice(letters) for _ in range(source.randint(1, 8))) for _ in range(count)
    ]


def _output(command: list[str], folder: Path | None = None) -> str:
    ran = subprocess.run(command, cwd=folder, capture_output=True, check=False)
    assert not ran.stderr
    return ran.stdout.decode()


def test_texts_are_quoted_as_kubectl_quotes_them(tmp_path: Path, real_kubectl: str) -> None:
    texts = WORDS + _random_texts(400)
    for number, text in enumerate(texts):
        (tmp_path / f"k{number}").write_bytes(text.encode())
    command = [real_kubectl, "create", "cm", "x", "--dry-run=client", "-oyaml", "--from-file=."]
    printed = _output(command, tmp_path)
    ours = yaml_text(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "x"},
            "data": {f"k{number}": text for number, text in enumerate(texts)},
        }
    )
    assert ours == printed


def test_keys_are_in_natural_order(real_kubectl: str) -> None:
    keys = [
        "a10",
        "a2",
        "a",
        "a.b",
        "a-b",
        "a_b",
        "A1",
        "b",
        "10",
        "9",
        "a01",
        "a1",
        "a010",
        "x1y2",
        "x1y10",
        "_z",
        "Z",
        "yes",
        "0x1",
        "1.5",
        "null",
        "true",
    ]
    command = [real_kubectl, "create", "cm", "x", "--dry-run=client", "-oyaml"]
    command += [f"--from-literal={key}=v" for key in keys]
    printed = _output(command)
    ours = yaml_text(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "x"},
            "data": dict.fromkeys(keys, "v"),
        }
    )
    assert ours == printed


@pytest.mark.parametrize("text", ["\x7f", "\x80", "\x9f"])
def test_control_characters_are_an_error(text: str) -> None:
    with pytest.raises(Failure, match="yaml: control characters are not allowed"):
        yaml_text({"a": text})


def test_kyaml_is_kubectls(tmp_path: Path, real_kubectl: str) -> None:
    texts = [text for text in WORDS if "\ufeff" not in text] + _random_texts(200)
    for number, text in enumerate(texts):
        (tmp_path / f"k{number}").write_bytes(text.encode())
    for key in [
        "yes",
        "1.5",
        "0x1",
        "a.b",
        "a-b",
        "_a",
        "a_",
        ".a",
        "-a",
        "007",
        "1e3",
        "1_0",
        "null",
        "v1",
        "a..b",
        "2020-01-01",
        "NaN",
        "inf",
    ]:
        (tmp_path / key).write_text("x")
    command = [real_kubectl, "create", "cm", "x", "--dry-run=client", "-okyaml", "--from-file=."]
    printed = _output(command, tmp_path)
    data = {path.name: path.read_bytes().decode() for path in sorted(tmp_path.iterdir())}
    ours = kyaml_text(
        {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "x"}, "data": data}
    )
    assert ours == printed


def test_kyaml_nests_as_kubectls(real_kubectl: str) -> None:
    command = [real_kubectl, "create", "deployment", "x", "--image=y", "--port=1"]
    command += ["--dry-run=client", "-o", "kyaml", "--", "sleep", "1"]
    document = json.loads(_output([*command[:-4], "json", *command[-3:]]))
    assert kyaml_text(document) == _output(command)
