"""A PostgreSQL of Debian's packages for tests and benchmarks: on the loopback interface, in a folder of its own."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def programs() -> Path | None:
    """Where Debian keeps initdb and pg_ctl, of the newest version."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


@contextmanager
def postgres(options: str = "") -> Iterator[str]:
    """Its address without a scheme: user@host:port/database. `options` are more of the server's."""
    found = programs()
    # PostgreSQL refuses to run as root; Debian's package brings a user for it.
    as_user = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}
    with tempfile.TemporaryDirectory(prefix="paceline-postgres-") as home:
        if as_user:
            shutil.chown(home, "postgres", "postgres")
        # No pipe for what they say, for the server would keep it open.
        run = {"cwd": home, "check": True, "env": os.environ | {"LC_ALL": "C"}, "stdout": subprocess.DEVNULL, **as_user}
        subprocess.run(
            [found / "initdb", "-D", f"{home}/data", "-U", "paceline", "-A", "trust", "-N", "-E", "UTF8"], **run
        )
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        server = [found / "pg_ctl", "-D", f"{home}/data", "-l", f"{home}/log", "-w"]
        place = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={home} -c fsync=off"
        subprocess.run([*server, "-o", f"{place} {options}", "start"], **run)
        try:
            yield f"paceline@127.0.0.1:{port}/postgres"
        finally:
            subprocess.run([*server, "-m", "immediate", "stop"], **run)
