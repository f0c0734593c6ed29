"""Downloads one card to a store in a process of its own: STORE URL [OPTION]... Prints the path."""

import sys
from pathlib import Path


def forbid_sockets():
    import socket

    def forbidden(*_, **__):
        raise AssertionError("a socket was opened")

    socket.socket = socket.create_connection = socket.getaddrinfo = forbidden


def disable_locks():
    import fcntl

    fcntl.flock = lambda *_: None


def main(root, url, *options):
    if "--no-sockets" in options:
        forbid_sockets()
    if "--no-locks" in options:
        disable_locks()
    from imgxlate.downloads.partials import Patience
    from imgxlate.errors import ImgxlateError
    from imgxlate.weights.cards import Card
    from imgxlate.weights.store import Store

    facts = {"summary": "a toy", "license": "CC0", "citation": "none", "page": "a page"}
    card = Card(name="toy", kind="generator", method="cyclegan", filename="toy.pth", urls=(url,), **facts)
    store = Store(Path(root), Patience(stall=30, lock=60))
    try:
        print(store.path(card, notify=lambda line: print(line, file=sys.stderr, flush=True)))
    except ImgxlateError as error:
        print(f"{error}\n{error.hint}", file=sys.stderr)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main(*sys.argv[1:])
