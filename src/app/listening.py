"""Listening sockets, with a helpful message if an address cannot be used."""

import errno
import socket


class CannotListenError(Exception):
    """The address cannot be used; the message says which variable to change."""


def bound(host: str, port: int, *, variable: str = "TRACKERS_{}") -> socket.socket:
    """Bind a socket to the address. Raises CannotListenError, which names the `variable` to change."""
    taken = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        taken.bind((host, port))
    except OSError as error:
        taken.close()
        advice = f"set {variable.format('HOST')} to an address of this machine"
        if error.errno in {errno.EADDRINUSE, errno.EACCES}:
            advice = f"set {variable.format('PORT')} to a free port" + (
                " above 1023" if error.errno == errno.EACCES else ""
            )
        raise CannotListenError(f"cannot listen on {host}:{port}: {error.strerror}; {advice}") from error
    return taken


def address_of(taken: socket.socket, host: str) -> str:
    """URL of a listening socket."""
    return f"http://{f'[{host}]' if ':' in host else host}:{taken.getsockname()[1]}"
