"""Serving the built pages on this machine."""

import errno
import functools
import http.server
from pathlib import Path

from book.errors import BookError


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves files, and is silent about it."""

    def log_message(self, format, *args):
        pass


def serve(html: Path, port: int) -> None:
    """Serve `html` on localhost until interrupted."""
    handler = functools.partial(Handler, directory=str(html))
    try:
        server = http.server.ThreadingHTTPServer(("127.0.0.1", port), handler)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise BookError(f"port {port} is taken: stop what uses it, or take another: make serve PORT=8001") from None
        raise BookError(f"port {port} cannot be used ({error.strerror}): take another: make serve PORT=8001") from None
    except OverflowError:
        raise BookError(f"port {port} is not between 0 and 65535: make serve PORT=8001") from None
    with server:
        print(f"the book is on http://localhost:{server.server_port} (Ctrl-C stops it)", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print()
