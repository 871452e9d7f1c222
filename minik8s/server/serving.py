"""A server for one cluster: in the foreground until it is told to stop, or in a thread."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType

import uvicorn

from minik8s.apiserver import ADMIN
from minik8s.journal import Journal
from minik8s.runtime import Runtime
from minik8s.server.adapter import Adapter
from minik8s.server.app import make_app
from minik8s.server.connection import HttpConnection
from minik8s.server.durability import Scribe
from minik8s.server.hub import Hub
from minik8s.server.kubeconfig import kubeconfig, write_kubeconfig
from minik8s.server.options import Options, ServeError, is_loopback, names_of
from minik8s.server.timing import PATIENCE, PrivateClock, Wall
from minik8s.server.users import Identities, new_token, signing_key

KEEP_ALIVE = 180
"""Seconds that an idle connection is kept, longer than Go's clients keep theirs (90)."""

TIDY = 50
"""After how many tenths of a second without a request there is time to collect garbage."""

CROWDED = 1600
"""After how many collections of the middle generation a full one cannot wait any longer."""

GRACE = 2
"""Seconds that requests under way are given at the end."""


class Server:
    """Serves a cluster; `url`, `token` and `document` (a kubeconfig) are known at once.

    Raises ServeError if the address is not to be had.
    """

    def __init__(
        self,
        runtime: Runtime,
        options: Options,
        *,
        journal: Journal | None = None,
        lock: threading.RLock | None = None,
    ) -> None:
        if options.pair is None and not is_loopback(options.host):
            raise ServeError("plain HTTP is served on a loopback address only")
        self.options = options
        self.token = options.token
        self._socket = _bound(options.host, options.port)
        self.port: int = self._socket.getsockname()[1]
        wall = Wall(runtime.clock, keep_date=options.keep_date)
        patience = 0 if options.real_time else PATIENCE
        self._hub = Hub(runtime, wall, patience=patience, lock=lock)
        self._journal = journal
        self._uvicorn: _Uvicorn | None = None
        self._thread: threading.Thread | None = None
        self._stop_asked = threading.Event()
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self.on_stop: Callable[[], None] = lambda: None

    @property
    def url(self) -> str:
        """Where the server is."""
        host = self.options.host
        if not is_loopback(host) and names_of(host) != [host]:
            host = "127.0.0.1"
        scheme = "http" if self.options.pair is None else "https"
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{self.port}"

    @property
    def document(self) -> Mapping[str, object]:
        """The administrator's kubeconfig."""
        return self.kubeconfig_for(ADMIN.name, self.token)

    def kubeconfig_for(self, user: str, token: str, namespace: str = "") -> dict[str, object]:
        """A user's kubeconfig."""
        pair = self.options.pair
        ca = pair.ca if pair is not None else ""
        return kubeconfig(self.url, ca=ca, token=token, user=user, namespace=namespace)

    @property
    def kubeconfig(self) -> str:
        """The path of a file with it, which goes when the server stops."""
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="minik8s-")
        path = Path(self._folder.name) / "kubeconfig"
        if not path.exists():
            self.write_kubeconfig(path)
        return str(path)

    def private_clock(self) -> PrivateClock:
        """A clock for a program that the cluster's owner runs himself."""
        return self._hub.private_clock()

    def write_kubeconfig(self, path: Path) -> None:
        """Write the administrator's kubeconfig; raises OSError."""
        write_kubeconfig(path, dict(self.document))

    # -- running

    def run(self, ready: Callable[[], None] = lambda: None) -> None:
        """Serve until SIGINT or SIGTERM; `ready` is called when requests are answered."""
        raise_file_limit()
        # A full collection of ten thousand pods takes half a second in which nobody is served.
        # So the young generations only are collected on the way, and all of them in quiet moments.
        gc.collect()
        gc.freeze()
        gc.set_threshold(20_000, 20, 1_000_000)
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(self._serve(ready, signals=True))
        gc.freeze()  # the process ends: there is nothing left worth collecting

    def start(self) -> Server:
        """Serve in a thread; returns when requests are answered."""
        ready = threading.Event()

        def work() -> None:
            try:
                with asyncio.Runner(loop_factory=_loop_factory()) as runner:
                    runner.run(self._serve(ready.set, signals=False))
            finally:
                ready.set()

        self._thread = threading.Thread(target=work, name="minik8s-server", daemon=True)
        self._thread.start()
        ready.wait()
        return self

    def stop(self) -> None:
        """Stop serving; the cluster stays as it is."""
        self._stop_asked.set()
        if self._uvicorn is not None:
            self._uvicorn.should_exit = True
        if self._thread is not None:
            self._thread.join()
            self._thread = None
            self.on_stop()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def __enter__(self) -> Server:
        return self if self._thread is not None else self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    async def _serve(self, ready: Callable[[], None], *, signals: bool) -> None:
        loop = asyncio.get_running_loop()
        hub, options = self._hub, self.options
        scribe = Scribe(self._journal, loop) if self._journal is not None else None
        tokens = {**options.tokens, self.token: ADMIN} if options.pair is not None else None
        access = hub.api.access
        identities = Identities(tokens, access.tokens.user_of)
        # The administrator's token is a secret that outlives a restart.
        access.serve(signing_key(self.token or new_token()), identities.known)
        adapter = Adapter(
            hub, identities, options.limits, scribe.durable if scribe is not None else None
        )
        hub.keep = scribe.keep if scribe is not None else None
        hub.start(loop)
        server = self._uvicorn = _Uvicorn(self._config(adapter), adapter, ready)
        if self._stop_asked.is_set():
            server.should_exit = True
        try:
            with _signals(loop, server) if signals else contextlib.nullcontext():
                await server.serve(sockets=[self._socket])
        finally:
            hub.stop()
            if scribe is not None:
                scribe.close()

    def _config(self, adapter: Adapter) -> uvicorn.Config:
        protocol = type("LimitedConnection", (HttpConnection,), {"limits": self.options.limits})
        config = uvicorn.Config(
            make_app(adapter),
            http=protocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE,
            timeout_graceful_shutdown=GRACE,
        )
        config.load()
        pair = self.options.pair
        config.ssl = pair.context() if pair is not None else None
        return config


class _Uvicorn(uvicorn.Server):
    """uvicorn's server without its own handling of signals; it says when it is ready."""

    def __init__(self, config: uvicorn.Config, adapter: Adapter, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._adapter = adapter
        self._ready = ready
        self._served = 0

    async def on_tick(self, counter: int) -> bool:
        if gc.get_threshold()[2] > CROWDED and counter % TIDY == TIDY - 1:
            served = self.server_state.total_requests
            crowded = gc.get_count()[2] > CROWDED
            if crowded or (served == self._served and gc.get_count()[2]):
                gc.collect()
            self._served = served
        return await super().on_tick(counter)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._adapter.close()
        await super().shutdown(sockets)


@contextlib.contextmanager
def _signals(loop: asyncio.AbstractEventLoop, server: uvicorn.Server) -> Iterator[None]:
    """End in good order on Ctrl-C and `kill`; a second Ctrl-C does not wait for anybody."""

    def stop() -> None:
        server.force_exit = server.should_exit
        server.should_exit = True

    numbers = (signal.SIGINT, signal.SIGTERM)
    try:
        for number in numbers:
            loop.add_signal_handler(number, stop)
    except NotImplementedError:  # Windows
        for number in numbers:
            signal.signal(number, lambda *_: stop())
        yield
        return
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)


def raise_file_limit() -> None:
    """Let this process open as many files as it may, as Go's runtime does.

    Connections are files, and a container in which a shell has run takes three; with the usual
    soft limit of 1,024 some hundred such containers would leave none for clients.
    """
    try:
        import resource
    except ImportError:  # Windows
        return
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):  # macOS allows less than it says
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        from uvloop import new_event_loop
    except ImportError:
        return None
    return new_event_loop


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise ServeError(f"{host}:{port}: {error.strerror or error}") from None
    return bound
