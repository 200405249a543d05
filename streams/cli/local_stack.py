"""What `engage up` runs: Kafka, ClickHouse, topics, tables, workers and the live page, in this order."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from streams.cli.local_dashboard import dashboard_child, dashboard_url
from streams.config import Clock, Settings, load_settings
from streams.embedded import clickhouse, kafka
from streams.embedded.child import Child
from streams.embedded.data_lock import lock_data_dir
from streams.embedded.ports import LOOPBACK, choose_port, free_ports
from streams.embedded.ready_file import Ready, write_ready_file
from streams.embedded.supervisor import StopRequested, Supervisor
from streams.embedded.unsecured import UNSECURED, UNSECURED_ENVIRONMENT
from streams.errors import EngageError
from streams.migrations import migrate
from streams.ops.topics import create_topics

Say = Callable[[str], None]
# A look, not a wait: the supervisor has other children to look after.
_LOOK_SECONDS = 0.2
# A worker that has lost its disk first reads its whole changelog.
_WORKER_START_SECONDS = 900.0


@dataclass(frozen=True)
class StackOptions:
    """The options of `engage up`; `None` leaves it to the settings, port 0 takes any free one.

    `dashboard_port`: None for no live page.
    """

    kafka_port: int
    clickhouse_port: int
    workers: int
    kafka_heap_mib: int
    data_dir: Path | None = None
    partitions: int | None = None
    clock: Clock | None = None
    ready_file: Path | None = None
    dashboard_port: int | None = None


def run_local_stack(options: StackOptions, say: Say) -> None:
    """Start everything, keep it running until Ctrl-C or SIGTERM, stop it in reverse order.

    Raises:
        EngageError: something does not start; whatever had been started is stopped by then.
    """
    data_dir = load_settings(data_dir=options.data_dir).data_dir.resolve()
    ready_file = options.ready_file.resolve() if options.ready_file else None
    # The lock first: a second run on the same data should hear that, not that the ports are taken.
    with lock_data_dir(data_dir):
        _forget(ready_file)
        settings = _settings(options, data_dir)
        metrics_ports = free_ports(options.workers)
        dashboard_port = _dashboard_port(options)
        publish = partial(_publish, ready_file, settings, metrics_ports, dashboard_port)
        with Supervisor(data_dir / "logs", on_change=publish, say=say) as supervisor:
            supervisor.stop_on_signals()
            try:
                _start(supervisor, settings, options, metrics_ports, dashboard_port)
                publish(supervisor.pids)
                say(_welcome(settings, options.workers, dashboard_port))
                supervisor.run()
            except StopRequested:
                pass
            finally:
                _forget(ready_file)
            say("stopping")


def _start(
    supervisor: Supervisor,
    settings: Settings,
    options: StackOptions,
    metrics_ports: Sequence[int],
    dashboard_port: int | None,
) -> None:
    # 1. The servers, side by side.
    supervisor.start(_kafka(settings, options.kafka_heap_mib), _clickhouse(settings))
    # 2. Topics before workers: no broker creates them by itself.
    supervisor.check()
    create_topics(settings)
    # 3. Tables and views before rows.
    supervisor.check()
    migrate(settings)
    # 4. The workers, side by side: one rebalance for all. The live page beside them, as it only reads.
    supervisor.check()
    pages = [] if dashboard_port is None else [dashboard_child(settings, dashboard_port)]
    workers = (_worker(settings, number, port) for number, port in enumerate(metrics_ports))
    supervisor.start(*workers, *pages)


def _settings(options: StackOptions, data_dir: Path) -> Settings:
    """The settings of the environment, with the servers replaced by those that are started here."""
    given = load_settings()
    kafka_port = choose_port(options.kafka_port, "--kafka-port")
    clickhouse_port = choose_port(options.clickhouse_port, "--clickhouse-port")
    return load_settings(
        data_dir=data_dir,
        kafka_bootstrap=f"{LOOPBACK}:{kafka_port}",
        clickhouse_url=f"http://{LOOPBACK}:{clickhouse_port}/{given.clickhouse_database}",
        **UNSECURED,
        replication_factor=1,
        partitions=options.partitions,
        clock=options.clock,
    )


def _dashboard_port(options: StackOptions) -> int | None:
    wanted = options.dashboard_port
    return None if wanted is None else choose_port(wanted, "--dashboard-port")


def _kafka(settings: Settings, heap_mib: int) -> Child:
    port = _port(settings.kafka_bootstrap)
    (controller_port,) = free_ports(1)
    argv = kafka.prepare(settings.data_dir / "kafka", port, controller_port, heap_mib)
    return Child("kafka", argv, answers=partial(_answers, kafka.wait_until_ready, port))


def _clickhouse(settings: Settings) -> Child:
    port = _port(settings.clickhouse_url.rpartition("/")[0])
    return Child(
        "clickhouse",
        clickhouse.command(settings.data_dir / "clickhouse", port),
        answers=partial(_answers, clickhouse.wait_until_ready, port),
    )


def _answers(wait_until_ready: Callable[[int, float], None], port: int) -> bool:
    try:
        wait_until_ready(port, _LOOK_SECONDS)
    except EngageError:
        return False
    return True


def _worker(settings: Settings, number: int, metrics_port: int) -> Child:
    data_dir = settings.data_dir / f"worker-{number}"
    mark = data_dir / "ready"

    def forget_the_last_run() -> None:
        data_dir.mkdir(parents=True, exist_ok=True)
        mark.unlink(missing_ok=True)

    return Child(
        f"worker-{number}",
        [sys.executable, "-m", "streams.cli", "worker"],
        answers=mark.exists,
        environment={
            **worker_environment(settings, data_dir, mark),
            "ENGAGE_METRICS_HOST": LOOPBACK,
            "ENGAGE_METRICS_PORT": str(metrics_port),
            # A name of its own for each.
            "ENGAGE_INSTANCE_ID": settings.instance_id and f"{settings.instance_id}-{number}",
        },
        before_start=forget_the_last_run,
        start_timeout_seconds=_WORKER_START_SECONDS,
    )


def worker_environment(settings: Settings, data_dir: Path, mark: Path) -> dict[str, str]:
    """What a worker needs beside the environment it inherits; once it serves, it creates the file `mark`."""
    return {
        "ENGAGE_KAFKA_BOOTSTRAP": settings.kafka_bootstrap,
        "ENGAGE_CLICKHOUSE_URL": settings.clickhouse_url,
        **UNSECURED_ENVIRONMENT,
        "ENGAGE_REPLICATION_FACTOR": str(settings.replication_factor),
        "ENGAGE_PARTITIONS": str(settings.partitions),
        "ENGAGE_CLOCK": settings.clock.value,
        "ENGAGE_DATA_DIR": str(data_dir),
        "ENGAGE_READY_FILE": str(mark),
    }


def _port(address: str) -> int:
    return int(address.rpartition(":")[2])


def _publish(
    ready_file: Path | None,
    settings: Settings,
    metrics_ports: Sequence[int],
    dashboard_port: int | None,
    pids: dict[str, int],
) -> None:
    if ready_file:
        metrics = {f"worker-{number}": f"{LOOPBACK}:{port}" for number, port in enumerate(metrics_ports)}
        page = None if dashboard_port is None else dashboard_url(dashboard_port)
        servers = (settings.kafka_bootstrap, settings.clickhouse_url)
        write_ready_file(ready_file, Ready(*servers, str(settings.data_dir), metrics, page, pids))


def _forget(ready_file: Path | None) -> None:
    """Without servers there is nothing to be ready: a file of an earlier run would mislead."""
    if ready_file:
        ready_file.unlink(missing_ok=True)


def _welcome(settings: Settings, workers: int, dashboard_port: int | None) -> str:
    plural = "" if workers == 1 else "s"
    page = "" if dashboard_port is None else f"The live page: {dashboard_url(dashboard_port)}\n"
    return (
        f"Kafka, ClickHouse and {workers} worker{plural} are running, data in {settings.data_dir}\n"
        f"  export ENGAGE_KAFKA_BOOTSTRAP={settings.kafka_bootstrap}\n"
        f"  export ENGAGE_CLICKHOUSE_URL={settings.clickhouse_url}\n"
        f"{page}Ctrl-C stops everything."
    )
