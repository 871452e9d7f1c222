"""The programs that images bring, by the names of their implementations in the catalogue.

An implementation is loaded when somebody first runs it.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module

from minik8s.guests.base import Program
from minik8s.guests.catalogue import Image

IMPLEMENTATIONS = {
    "agnhost": "agnhost:agnhost",
    "apache": "websites:apache",
    "busybox-hostname": "tools:busybox_hostname",
    "busybox-nc": "nc_busybox:busybox_nc",
    "busybox-nslookup": "nslookup:busybox_nslookup",
    "busybox-ping": "ping:busybox_ping",
    "busybox-wget": "wget_busybox:busybox_wget",
    "cat": "tools:cat",
    "coredns": "coredns:coredns",
    "curl": "curl:curl",
    "date": "tools:date",
    "dig": "dig:dig",
    "echo": "tools:echo",
    "echo-server": "echo_sites:echo_server",
    "entrypoint": "tools:entrypoint",
    "env": "tools:env",
    "false": "tools:false",
    "getent": "tools:getent",
    "hello-app": "echo_sites:hello_app",
    "host": "dig:host",
    "hostname": "tools:hostname",
    "http-echo": "echo_sites:http_echo",
    "httpbin": "echo_sites:httpbin",
    "id": "tools:id_",
    "ip": "ip:ip",
    "json-mock": "json_mock:json_mock",
    "kube-apiserver": "kubernetes:kube_apiserver",
    "memcached": "databases:memcached",
    "mysql": "databases:mysql",
    "nc": "nc_openbsd:openbsd_nc",
    "nginx": "websites:nginx",
    "nslookup": "nslookup:nslookup",
    "pause": "tools:pause",
    "ping": "ping:ping",
    "port-server": "databases:port_server",
    "postgres": "databases:postgres",
    "printenv": "tools:printenv",
    "ps": "tools:ps",
    "python": "python:python",
    "redis": "databases:redis",
    "redis-cli": "databases:redis_cli",
    "sh": "sh:sh",
    "sleep": "tools:sleep",
    "tail": "tools:tail",
    "tar": "tar:tar",
    "tool": "podshell:tool",
    "true": "tools:true",
    "uname": "tools:uname",
    "uptime": "uptime:uptime",
    "wget": "wget_gnu:gnu_wget",
    "whoami": "tools:whoami",
    "whoami-server": "echo_sites:whoami",
}


@cache
def implementation(name: str) -> Program:
    """A program by the name of its implementation; raises KeyError."""
    module, _, function = IMPLEMENTATIONS[name].partition(":")
    found: Program = getattr(import_module(f"minik8s.guests.{module}"), function)
    return found


_FOLDERS = frozenset(("", "/bin", "/usr/bin", "/sbin", "/usr/sbin", "/usr/local/bin"))


def find_program(image: Image, name: str) -> Program | None:
    """The program that a command name or path stands for in an image, or None."""
    kind = image.programs.get(name)
    if kind is None:
        folder, _, short = name.rpartition("/")
        if folder not in _FOLDERS or name == f"/{short}":
            return None
        kind = image.programs.get(short) or ("tool" if short in image.tools else None)
    return None if kind is None else implementation(kind)
