"""Where a server listens."""

from __future__ import annotations

import contextlib
import errno
import socket
from collections.abc import Iterator

from dubkit.errors import BadInput


def bound(host: str, port: int) -> socket.socket:
    """A socket at an address of this machine that nobody else listens at.

    Raises
    ------
    BadInput
        If there is no such address, or the port is taken or forbidden.
    """
    with told_of_address(host, port):
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        # A name may stand for both: clients ask 127.0.0.1 first.
        family, kind, protocol, _, where = min(found, key=lambda one: one[0] != socket.AF_INET)
        made = socket.socket(family, kind, protocol)
        try:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.bind(where)
        except BaseException:
            made.close()
            raise
        return made


@contextlib.contextmanager
def told_of_address(host: str, port: int) -> Iterator[None]:
    """Say what is wrong with an address, where it cannot be listened at.

    Raises
    ------
    BadInput
        In place of the OSError.
    """
    try:
        yield
    except (socket.gaierror, UnicodeError) as error:
        raise BadInput(f"There is no host {host!r} to listen at: choose another with --host.") from error
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise BadInput(f"Port {port} is in use: choose another with --port.") from error
        if error.errno == errno.EACCES:
            raise BadInput(f"Port {port} is not for everyone: choose one above 1023 with --port.") from error
        raise BadInput(f"{host!r} is no address of this machine ({error}): choose another with --host.") from error
