"""`python -m tests.prove.indoors ...`: the command `trackers`, but nothing outside this machine is connected to.

Made-up input names real hosts now and then; they have not asked to take part.
"""

import ipaddress
import sys
from typing import Any, Final

LOOKUP: Final = "socket.getaddrinfo"
CONNECT: Final = "socket.connect"


def stay_indoors() -> None:
    """From now on a connection elsewhere fails as one does where no network is."""
    sys.addaudithook(_refuse)


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    if event == CONNECT:
        address = arguments[1]
        if isinstance(address, tuple) and not is_here(address[0]):
            raise OSError(f"the proof stays on this machine, {address[0]} is elsewhere")
    elif event == LOOKUP and not is_here(arguments[0]):
        raise OSError(f"the proof stays on this machine, {arguments[0]} is elsewhere")


def is_here(host: Any) -> bool:
    """Whether a host is this machine."""
    text = host.decode(errors="replace") if isinstance(host, bytes) else host
    if text in {None, "", "localhost"}:
        return True
    try:
        return ipaddress.ip_address(str(text).partition("%")[0]).is_loopback
    except ValueError:
        return False


if __name__ == "__main__":
    stay_indoors()
    from app.cli import main  # the product is loaded with the door shut

    main()
