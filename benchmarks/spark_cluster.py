"""A standalone Spark cluster on the loopback interface: a master and workers, for `make spark` and its test."""

import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipelines.settings import ROOT, Settings

PYTHON = Settings().spark_python
CONF = ROOT / "deploy" / "spark"
SECONDS_TO_START = 120


def missing() -> str | None:
    """What is not installed, and how it is; None where all is there."""
    if not os.access(PYTHON, os.X_OK):
        return f"Spark is not installed ({PYTHON} is missing): make spark"
    if subprocess.run(["java", "-version"], capture_output=True, check=False).returncode:
        return "Java is not installed: apt-get install openjdk-17-jre-headless"
    return None


def environment(master: str) -> dict[str, str]:
    """The variables with which a process builds the event half on this cluster."""
    return {
        "PACELINE_SPARK_MASTER": master,
        "PACELINE_SPARK_PYTHON": str(PYTHON),
        "SPARK_CONF_DIR": str(CONF),
        "SPARK_LOCAL_IP": "127.0.0.1",
    }


@contextmanager
def cluster(folder: Path, workers: int = 2) -> Iterator[str]:
    """Start a master and workers of one core each, that write below the folder; yields the master's address."""
    home = subprocess.check_output([PYTHON, "-c", "import pyspark; print(pyspark.__path__[0])"], text=True).strip()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    master = f"spark://127.0.0.1:{port}"
    env = os.environ | environment(master) | {"SPARK_HOME": home, "PYSPARK_PYTHON": str(PYTHON)}
    spark = [f"{home}/bin/spark-class"]
    place = ["--host", "127.0.0.1", "--webui-port", "0"]
    started = []

    def start(*command: str) -> subprocess.Popen:
        process = subprocess.Popen(
            [*spark, *command], env=env, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        started.append(process)
        return process

    try:
        said = start("org.apache.spark.deploy.master.Master", *place, "--port", str(port))
        _wait_for(said, "I have been elected leader", 1)
        worker = ["org.apache.spark.deploy.worker.Worker", *place, "--cores", "1", "--memory", "2g"]
        for number in range(workers):
            start(*worker, "--work-dir", str(folder / f"worker-{number}"), master)
        for process in started[1:]:
            _wait_for(process, "Successfully registered with master", 1)
        yield master
    finally:
        for process in reversed(started):
            process.terminate()
        for process in started:
            process.wait()


def _wait_for(process: subprocess.Popen, words: str, times: int) -> None:
    """Read what a process says until it has said this so often; then go on reading, for its pipe must not fill."""
    timer = threading.Timer(SECONDS_TO_START, process.kill)
    timer.start()
    said = []
    for line in process.stderr:
        said.append(line)
        times -= words in line
        if not times:
            break
    timer.cancel()
    if times:
        raise RuntimeError(f"Spark did not start. It said:\n{''.join(said[-20:])}")
    threading.Thread(target=process.stderr.read, daemon=True).start()
