"""Go templates, compared with the real kubectl on one object."""

from __future__ import annotations

import json
from typing import Any

import pytest
from kubectl_oracle import Oracle

from minik8s.kubectl.gotemplate import GoTemplate, TemplateError

DOCUMENT: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {
        "name": "web",
        "labels": {"app": "web", "tier": "front"},
        "annotations": {"note": "a <b> & 'c' \"d\"", "secret": "aGVsbG8="},
    },
    "spec": {
        "n": 3,
        "zero": 0,
        "ratio": 2.5,
        "big": 12345678.5,
        "yes": True,
        "no": False,
        "null": None,
        "empty": {},
        "list": [],
        "counts": [3, 1, 2],
        "containers": [
            {"name": "a", "image": "x:1", "ports": [{"containerPort": 80}]},
            {"name": "b", "image": "y:2", "env": [{"name": "K", "value": "v"}]},
        ],
    },
}
LOCAL = ["label", "--local", "-f", "-", "app=web", "--overwrite"]
TEMPLATES = [
    "{{.metadata.name}}",
    "{{.}}",
    "{{.metadata}}",
    "{{.spec.containers}}",
    "{{.spec.counts}}",
    "{{.missing}}",
    "{{.missing.deeper}}",
    "{{.spec.null}}",
    "{{.spec.null.x}}",
    "{{.metadata.name.x}}",
    "{{.spec.n.x}}",
    "{{.spec.counts.x}}",
    "{{with .metadata.name}}{{.x}}{{end}}",
    '{{.metadata.name "x"}}',
    "{{range .spec.containers}}{{.name}}:{{.image}}\n{{end}}",
    "{{range $i, $c := .spec.containers}}{{$i}}={{$c.name}} {{end}}",
    "{{range $c := .spec.containers}}{{$c.name}} {{end}}",
    "{{range $k, $v := .metadata.labels}}{{$k}}={{$v}},{{end}}",
    "{{range .spec.list}}x{{else}}none{{end}}",
    "{{range .spec.missing}}x{{else}}none{{end}}",
    "{{range .spec.null}}x{{else}}none{{end}}",
    "{{range .metadata.name}}x{{end}}",
    "{{range 3}}{{.}}{{end}}",
    "{{range $i := 3}}{{$i}}{{end}}",
    "{{range $i, $j := 3}}{{$i}}{{end}}",
    "{{range .spec.ratio}}x{{end}}",
    "{{range .spec.counts}}{{if eq . 1}}{{break}}{{end}}{{.}}{{end}}",
    "{{range .spec.counts}}{{if eq . 1}}{{continue}}{{end}}{{.}}{{end}}",
    "{{break}}",
    "{{if .spec.yes}}T{{end}}{{if .spec.no}}F{{else}}E{{end}}",
    "{{if .spec.zero}}1{{else if .spec.empty}}2{{else if .spec.list}}3{{else}}4{{end}}",
    "{{if .missing}}1{{else}}2{{end}}{{if .spec.null}}1{{else}}2{{end}}",
    "{{with .spec.empty}}1{{else with .metadata.name}}{{.}}{{else}}3{{end}}",
    "{{with $x := .metadata}}{{$x.name}}{{.name}}{{end}}",
    "{{$x := 1}}{{if true}}{{$x = 2}}{{end}}{{$x}}",
    "{{$x := 1}}{{if true}}{{$x := 2}}{{$x}}{{end}}{{$x}}",
    "{{$x}}",
    "{{$x = 1}}",
    "{{$.metadata.name}}",
    "{{len .metadata.name}} {{len .spec.counts}} {{len .metadata.labels}}",
    "{{len .spec.n}}",
    "{{len .missing}}",
    "{{len .spec.null}}",
    "{{index .spec.counts 1}}",
    "{{index .spec.counts 3}}",
    "{{index .spec.counts 4}}",
    "{{index .spec.counts -1}}",
    '{{index .spec.counts "a"}}',
    '{{index .metadata.labels "app"}}',
    '{{index .metadata.labels "nope"}}',
    "{{index .metadata.labels 1}}",
    '{{index .metadata "labels" "app"}}',
    "{{(index .spec.containers 0).name}}",
    "{{(index .spec.containers 0).name.x}}",
    "{{index .missing 0}}",
    "{{index .metadata.name 0}}",
    "{{index .spec.n 0}}",
    "{{slice .metadata.name 1 2}}{{slice .spec.counts 1}}",
    "{{slice .spec.counts 2 1}}",
    '{{printf "%s-%v-%d-%q" .metadata.name .spec.n .spec.n .kind}}',
    '{{printf "%5s|%-5s|%05d|%.2f|%8.3f|%+d|%x" "a" "b" 42 1.5 2.25 7 255}}',
    '{{printf "%X|%o|%b|%c|%U" 255 8 5 65 65}}',
    '{{printf "%d %s %t" .metadata.name .spec.n .spec.yes}}',
    '{{printf "%v %v %v" .spec.null .missing .spec.empty}}',
    '{{printf "%T %T %T %T" .spec.n .spec.ratio .metadata .spec.null}}',
    '{{printf "%#v" .metadata.labels}}',
    '{{printf "%s" .spec.counts}}',
    '{{printf "%d" .spec.counts}}',
    '{{printf "%q" .metadata.labels}}',
    '{{printf "%d"}}',
    '{{printf "a" 1 2}}',
    '{{printf "%%|%!|%z" 1}}',
    '{{printf "%*d|%-*d|" 5 1 5 2}}',
    '{{printf "%6.2f%%" .spec.ratio}}',
    '{{printf "%e %g %G" 1234.5678 1e21 1e-7}}',
    '{{printf "%v %v" 1e6 123456789.0}}',
    '{{printf "%x" "hi"}}',
    '{{printf "%t" 1}}',
    "{{printf 1}}",
    "{{printf .spec.n}}",
    "{{printf nil}}",
    "{{printf}}",
    '{{print 1 2 "a" "b" 3 4}}',
    '{{print "a" 1 .spec.null true 1.5}}',
    '{{println "a" 1 .metadata.name}}',
    "{{print nil}}",
    "{{nil}}",
    "{{html .metadata.annotations.note}}",
    "{{js .metadata.annotations.note}}",
    '{{urlquery .metadata.annotations.note "x y"}}',
    "{{.metadata.annotations.secret | base64decode}}",
    '{{"!!" | base64decode}}',
    "{{base64decode .spec.n}}",
    "{{base64decode .missing}}",
    '{{exists .metadata "name"}} {{exists .metadata "x"}} {{exists .spec.counts 2}}',
    '{{eq .metadata.name "web"}} {{ne .kind "Pod"}}',
    "{{eq .spec.n 3}} {{eq .spec.n 1 2 3}} {{eq .spec.ratio 2.5}}",
    '{{eq .spec.n "3"}}',
    "{{eq .spec.n 3.0}}",
    '{{eq .missing "x"}} {{eq .missing .missing}} {{eq .spec.null .missing}}',
    "{{eq .spec.counts .spec.counts}}",
    '{{eq .metadata.labels "a"}}',
    "{{eq .spec.yes true}}",
    "{{eq 1}}",
    "{{eq}}",
    '{{lt 1 2}} {{le 2 2}} {{gt 1 2}} {{ge 2 2}} {{lt "a" "b"}} {{lt 1.5 2.5}}',
    "{{lt .missing 1}}",
    '{{lt 1 "a"}}',
    "{{lt true false}}",
    "{{lt 1}}",
    '{{and true .metadata.name}} {{and false .x.y}} {{or "" 0 "z"}} {{or 1 .x}}',
    "{{not true}} {{not .missing}}",
    "{{not 1 2}}",
    '{{.metadata.name | printf "%s!" | len}}',
    '{{"a" | printf "%s%s" "b"}}',
    '{{printf "%d" (len .metadata.name)}}',
    "{{(len .spec.counts) | print}}",
    "{{1 | 2}}",
    "{{.a | .b}}",
    "{{/* a comment */}}x",
    "a  {{- /* c */ -}}  b",
    "a  {{- .kind -}}  b",
    "a {{ - }} b",
    "{{ .kind }}",
    "{{.kind",
    "{{",
    "}}",
    "{{}}",
    "{{end}}",
    "{{else}}",
    "{{if}}x{{end}}",
    "{{if true}}",
    "{{if true}}x",
    "{{range}}x{{end}}",
    "{{foo}}",
    "{{.a.b.}}",
    "{{.1}}",
    "{{1a}}",
    "{{'x'}} {{0x1F}} {{0b11}} {{1_000}} {{1e3}} {{-5}} {{+5}}",
    "{{'xy'}}",
    '{{"unclosed}}',
    "{{`raw\\n`}}",
    "{{`unclosed}}",
    '{{"a\\tb\\x41\\u00e9"}}',
    '{{"bad \\q"}}',
    "{{(1}}",
    "{{1)}}",
    "{{.a:b}}",
    "{{$x, $y := .a}}",
    "{{%}}",
    "{{é}}",
    "{{\u20ac}}",
    "{{true.x}}",
    '{{"a".x}}',
    "{{nil.x}}",
    '{{define "t"}}[{{.}}]{{end}}{{template "t" .kind}}{{template "t"}}',
    '{{template "nope"}}',
    '{{block "b" .metadata}}<{{.name}}>{{end}}',
    '{{define "t"}}{{.x.y}}{{end}}{{template "t" .kind}}',
    "{{define t}}{{end}}",
    "{{call .metadata.name}}",
    '{{if (and (eq .kind "Pod") (gt (len .spec.counts) 2))}}big{{end}}',
    "line one\n{{.kind}}\n  {{.metadata.name.x}}",
    "{{range .spec.containers}}{{range .ports}}{{.containerPort}}{{end}}"
    "{{range .env}}{{.name}}={{.value}}{{end}};{{end}}",
    "{{range $i, $e := .spec.counts}}{{if $i}},{{end}}{{$e}}{{end}}",
    "{{.spec.big}} {{.spec.ratio}} {{.spec.yes}}",
    "{{.metadata.labels.app}}{{.metadata.labels.app}}",
    "text only",
    '{{print (printf "%v" .spec.n)}}',
    "{{with .missing}}x{{end}}",
    "{{$a := .spec.counts}}{{index $a 0}}{{$a.x}}",
]


def _ours(template: str, allow_missing: bool) -> tuple[str, str]:
    out: list[str] = []
    try:
        GoTemplate(template, allow_missing=allow_missing).render(DOCUMENT, out)
    except TemplateError as error:
        return "".join(out), str(error)
    return "".join(out), ""


def _check(template: str, oracle: Oracle, allow_missing: bool) -> None:
    command = [*LOCAL, "-o", f"go-template={template}"]
    command.append(f"--allow-missing-template-keys={str(allow_missing).lower()}")
    ran = oracle.ask(command, json.dumps(DOCUMENT).encode())
    out, error = _ours(template, allow_missing)
    if error:
        assert error in ran.err
        assert ran.out.startswith(out)
    else:
        assert (out, "") == (ran.out, ran.err)


@pytest.mark.parametrize("template", TEMPLATES)
def test_templates_give_what_kubectl_gives(template: str, oracle: Oracle) -> None:
    _check(template, oracle, allow_missing=True)


@pytest.mark.parametrize(
    "template", [t for t in TEMPLATES if "missing" in t or "nope" in t or ".x" in t]
)
def test_missing_keys_can_be_errors(template: str, oracle: Oracle) -> None:
    _check(template, oracle, allow_missing=False)
