"""A single-node Apache Kafka (KRaft) as one child process, on loopback.

`prepare` gives the command line; whoever runs it sends its output to a file. The process is the JVM itself,
stops cleanly on SIGTERM within a second, and finds its data again at the next start.
`python -m streams.embedded.kafka install` fetches the jars.
"""

from __future__ import annotations

import base64
import subprocess
import sys
import uuid
from collections.abc import Mapping
from pathlib import Path

from streams.embedded.java import find_java
from streams.embedded.kafka_jars import install, jar_dir
from streams.embedded.ports import LOOPBACK
from streams.errors import EngageError, MachineError

DEFAULT_HEAP_MIB = 512
_TEMPLATE = Path(__file__).with_name("kafka.properties")
_LOG4J = Path(__file__).with_name("log4j2.properties")


def prepare(
    data_dir: Path,
    port: int,
    controller_port: int,
    heap_mib: int = DEFAULT_HEAP_MIB,
    properties: Mapping[str, str] | None = None,
) -> list[str]:
    """Write the configuration, format the log directory if it is new, and return the command that serves.

    Args:
        data_dir: belongs to this Kafka alone; created when missing, kept over restarts.
        port: where clients connect, on 127.0.0.1.
        controller_port: another free port on 127.0.0.1; it may differ from one start to the next.
        heap_mib: the JVM's largest heap.
        properties: of Kafka's server that replace or join those written here, such as listeners with TLS.

    Raises:
        MachineError: Java 17 or the jars are missing, or the directory cannot be used.
    """
    java = _java(find_java(), jar_dir())
    data_dir = data_dir.resolve()
    config = _write_config(data_dir, port, controller_port, properties or {})
    if not (_log_dir(data_dir) / "meta.properties").exists():
        _format(java, config)
    return [*java, *_jvm_options(data_dir, heap_mib), "kafka.Kafka", str(config)]


def wait_until_ready(port: int, timeout_seconds: float) -> None:
    """Return once the broker at 127.0.0.1:`port` answers a metadata request.

    Raises:
        KafkaUnavailable: it does not within `timeout_seconds`.
    """
    # Not at the top: `install` runs before there is a use for Kafka's client.
    from streams.kafka_admin import kafka_admin
    from streams.kafka_security import Brokers

    with kafka_admin(Brokers(f"{LOOPBACK}:{port}"), timeout_seconds) as admin:
        admin.describe_cluster()


def _java(binary: Path, jars: Path) -> list[str]:
    return [str(binary), f"-Dlog4j2.configurationFile={_LOG4J.as_uri()}", "-cp", f"{jars}/*"]


def _jvm_options(data_dir: Path, heap_mib: int) -> list[str]:
    return [
        f"-Xmx{heap_mib}m",
        # One small heap on few cores: no collector threads beside the broker's. Start-up is alike with G1.
        "-XX:+UseSerialGC",
        # A broker without memory ends, and is started again, instead of lingering half alive.
        "-XX:+ExitOnOutOfMemoryError",
        f"-XX:ErrorFile={data_dir}/jvm-crash-%p.log",
        "-Djava.awt.headless=true",
    ]


def _log_dir(data_dir: Path) -> Path:
    return data_dir / "log"


def _write_config(
    data_dir: Path, port: int, controller_port: int, properties: Mapping[str, str] | None = None
) -> Path:
    if "," in str(data_dir):
        raise MachineError(
            f"{data_dir}: Kafka takes a comma in `log.dirs` for a list, choose a path without one"
        )
    settings = {
        "listeners": f"PLAINTEXT://{LOOPBACK}:{port},CONTROLLER://{LOOPBACK}:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://{LOOPBACK}:{port}",
        "controller.quorum.voters": f"1@{LOOPBACK}:{controller_port}",
        "log.dirs": str(_log_dir(data_dir)),
        **(properties or {}),
    }
    lines = [f"{name}={_escape(value)}" for name, value in settings.items()]
    config = data_dir / "server.properties"
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        config.write_text(_TEMPLATE.read_text() + "\n".join(["", *lines, ""]))
    except OSError as error:
        raise MachineError(
            f"cannot write {config} ({error.strerror}): choose another data directory"
        ) from error
    return config


def _escape(value: str) -> str:
    r"""A value of a Java properties file, which is Latin-1: backslash doubled, beyond ASCII \u escapes."""
    units = value.replace("\\", "\\\\").encode("utf-16-be")
    codes = [int.from_bytes(units[i : i + 2], "big") for i in range(0, len(units), 2)]
    return "".join(chr(code) if code < 128 else f"\\u{code:04x}" for code in codes)


def _format(java: list[str], config: Path) -> None:
    """Give the empty log directory its cluster id; Kafka keeps it in `meta.properties`."""
    storage_tool = [*java, "kafka.tools.StorageTool", "format", f"--cluster-id={_cluster_id()}"]
    done = subprocess.run(  # noqa: S603 - a fixed command
        [*storage_tool, "--config", str(config)], capture_output=True, text=True
    )
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).strip().splitlines() or ["no message"]
        raise MachineError(f"Kafka could not format {config.parent}: {lines[-1]}")


def _cluster_id() -> str:
    """Random, so that a wiped broker is recognisably another one; 22 characters, the form that Kafka uses."""
    return base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")


def _main(arguments: list[str]) -> int:
    if arguments != ["install"]:
        print("usage: python -m streams.embedded.kafka install", file=sys.stderr)
        return 2
    try:
        print(f"Kafka's jars are in {install()}")
    except EngageError as error:
        print(f"engage: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
