"""`explore`: the page of a family, served to this machine alone until Ctrl-C."""

import functools
import logging
import os
import socket
import threading
import webbrowser
from collections.abc import Callable, Mapping
from contextlib import contextmanager

from spindle.errors import ProblemError, RunError
from spindle.problem.families import family_parameters
from spindle.report.explore.page import fill
from spindle.report.explore.queries import Explorer
from spindle.results.directory import RunDirectory
from spindle.solving.load import load

_HOST = "127.0.0.1"
# Bokeh starts its page by a script within it, and styles its widgets one by one; nothing comes from elsewhere.
_POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def explore(directory: RunDirectory, port: int, *, browser: bool, tell: Callable[[str], None]) -> None:
    """Serve the page of a solved family until it is interrupted.

    port      0 for any that is free
    browser   whether to open the page in one
    tell      is given the line with the address
    Raises RunError or ProblemError where there is nothing to explore, and KeyboardInterrupt at the end.
    """
    _check(directory)

    @functools.cache
    def explorer() -> Explorer:
        return Explorer(load(directory.path))

    with serving(lambda document: fill(document, explorer()), port) as server:
        warm(explorer())
        address = f"http://{_HOST}:{server.port}"
        tell(f"exploring {directory.path} at {address} (Ctrl-C ends it)")
        if browser:
            # A browser in a terminal would not return before it is left.
            threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
        server.io_loop.start()


def warm(explorer: Explorer) -> None:
    """Compile all that the page needs, so that no reader waits for it and no query seems to take so long."""
    _ = explorer.limits
    for chosen in (explorer.start, *explorer.listed[:1]):
        explorer.error(explorer.start | chosen)


def _check(directory: RunDirectory) -> None:
    """Raise an error for whatever can be refused before the run is loaded, which takes a while."""
    problem, _, _ = directory.read()
    if not family_parameters(problem):
        raise ProblemError(
            f"`{directory.command('explore')}`: `{problem.name}` has no parameter that ranges, so there is nothing "
            f"to move; look at it with `{directory.command('report')}`, or solve a family, for example "
            f"`spindle solve convection_family --method fastlrnr`."
        )


@contextmanager
def serving(page: Callable, port: int):
    """A server of the page at a port; raises RunError where Bokeh is missing or the port is taken."""
    try:
        from bokeh.server.server import Server
    except ImportError as error:
        raise RunError(
            f"`spindle explore` shows its page by the package `{error.name}`, which is not installed; "
            f"`pip install 'spindle-pinn[explore]'` brings it."
        ) from error
    logging.getLogger("tornado").setLevel(logging.ERROR)  # not a line for every page that does not exist
    try:
        chosen = _usable(port)
        allowed = [f"{_HOST}:{chosen}", f"localhost:{chosen}"]
        server = Server(page, port=chosen, address=_HOST, allow_websocket_origin=allowed)
        _guard(server, allowed)
    except OSError as error:
        raise RunError(
            f"`spindle explore` cannot use port {port} ({error.strerror}); name another one, or any that is free, "
            f"`--port 0`."
        ) from error
    try:
        yield server
    finally:
        server.stop(wait=False)
        server.unlisten()


def _guard(server, allowed: list[str]) -> None:
    """Answer those alone who ask for this machine by its name, and tell browsers what the page may do.

    Else a page from elsewhere, whose name is made to mean this machine, could be read as if it were the one that is
    served: it names itself as origin and as host, and the two agree.
    """
    from tornado.web import ErrorHandler

    # Here it is looked up who answers a request, one for a web socket too.
    answers = server._tornado
    find = answers.find_handler

    def guarded(request, **options):
        if request.host.lower() in allowed:
            return find(request, **options)
        return answers.get_handler_delegate(request, ErrorHandler, {"status_code": 403})

    answers.find_handler = guarded
    sockets = " ".join(f"ws://{host}" for host in allowed)
    headers = _HEADERS | {"Content-Security-Policy": f"{_POLICY}; connect-src 'self' {sockets}"}
    answers.add_transform(lambda request: _Headers(headers))


class _Headers:
    """Adds headers to whatever is answered: a transform of Tornado."""

    def __init__(self, headers: Mapping[str, str]):
        self._headers = headers

    def transform_first_chunk(self, status: int, headers, chunk: bytes, finishing: bool):
        """Status, headers and the first part of an answer."""
        for name, value in self._headers.items():
            headers[name] = value
        return status, headers, chunk

    def transform_chunk(self, chunk: bytes, finishing: bool) -> bytes:
        """Any other part of an answer."""
        return chunk


def _usable(port: int) -> int:
    """The port, or one that nobody uses at the moment for 0; raises OSError where it is taken."""
    with socket.socket() as probe:
        if os.name == "posix":  # where a port may be used again at once, as the server does; elsewhere it means more
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((_HOST, port))
        return probe.getsockname()[1]
