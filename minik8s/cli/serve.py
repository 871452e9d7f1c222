"""`minik8s serve`: a server for kubectl and other clients."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from minik8s.cli.subcommand import Subcommand, count

if TYPE_CHECKING:
    from minik8s.runtime import Runtime


def _serve_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="the address to listen on (default: loopback)")
    add("--port", type=_port, default=6443, help="0 takes a free one (default: 6443)")
    add("--kubeconfig", type=Path, metavar="F", help="where to write the kubeconfig")
    add("--data", type=Path, metavar="F", help="keep the cluster in a file")
    add("--manifests", type=Path, metavar="DIR", help="apply these at the start")
    add("--nodes", type=count, default=2, help="how many workers (default: 2)")
    add("--seed", type=int, default=1, help="another seed, other names")
    add("--cni", choices=("cilium", "none"), default="cilium", help="none: no enforcement")
    add("--users", type=Path, metavar="F", help="YAML: users, each with a kubeconfig of its own")
    add("--tls-cert", type=Path, metavar="F", help="a certificate chain (PEM)")
    add("--tls-key", type=Path, metavar="F", help="its private key (PEM)")
    add("--insecure-http", action="store_true", help="no TLS, no identities; loopback only")
    add("--real-time", action="store_true", help="programs in pods really wait")


def _port(text: str) -> int:
    number = int(text)
    if not 0 <= number <= 65535:
        raise argparse.ArgumentTypeError("a number from 0 to 65535")
    return number


def _serve(options: argparse.Namespace) -> int:
    try:
        from minik8s.server.options import ServeError
        from minik8s.server.startup import Order, open_server
    except ImportError as error:
        print(f"minik8s: {error}; install minik8s[server]", file=sys.stderr)
        return 2
    given = {key: value for key, value in vars(options).items() if key in Order.__slots__}
    order = Order(**given, enforcement=options.cni == "cilium")

    def prepare(runtime: Runtime) -> None:
        if options.manifests is not None:
            _apply_manifests(runtime, options.manifests)

    try:
        opened = open_server(order, prepare)
    except ServeError as error:
        print(f"minik8s: {error}", file=sys.stderr)
        return 2

    def ready() -> None:
        print(f"Serving at {opened.server.url}; Ctrl-C ends it.")
        print(f"The kubeconfig is {opened.kubeconfig}. Tell kubectl:")
        print(f"  export KUBECONFIG={shlex.quote(str(opened.kubeconfig.resolve()))}")
        for path in opened.written:
            print(f"  {path}")
        sys.stdout.flush()

    opened.server.run(ready)
    return 0


def _apply_manifests(runtime: Runtime, folder: Path) -> None:
    from minik8s.analysis.inputs import InputError
    from minik8s.cluster import Cluster
    from minik8s.errors import ApiError
    from minik8s.server.options import ServeError

    try:
        Cluster(runtime=runtime).apply(folder)
    except (InputError, ApiError) as error:
        raise ServeError(f"{folder}: {error}") from None


SERVE = Subcommand("serve", "a server for kubectl and other clients", _serve_arguments, _serve)
