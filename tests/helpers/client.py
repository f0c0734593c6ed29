"""The program `imgxlate` for shells: SOCKET STARTUP [ARGUMENT]... A launcher runs it, which has imported torch already.

The launcher runs the file STARTUP first, if it is not empty, as Python runs a `sitecustomize`.
"""

import json
import os
import socket
import sys
from pathlib import Path

with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
    connection.connect(sys.argv[1])
    order = {
        "startup": sys.argv[2],
        "arguments": sys.argv[3:],
        "folder": str(Path.cwd()),
        "environment": dict(os.environ),
    }
    message = json.dumps(order).encode()
    connection.sendall(message[socket.send_fds(connection, [message], [0, 1, 2]) :])
    connection.shutdown(socket.SHUT_WR)
    sys.exit(int(connection.recv(100) or b"1"))
