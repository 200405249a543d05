"""The dashboard *Stream health*: Prometheus, for who operates the stream."""

from __future__ import annotations

from typing import Any, Final

from deploy.grafana.panels import Kind, Panel, Promql, Section, dashboard
from streams import metrics as m

_LAG_OBJECTIVE_SECONDS: Final = 60


def _rate(by: str, spec: m.Spec) -> str:
    return f"sum by ({by}) (rate({spec.name}[$__rate_interval]))"


def _quantile(quantile: float, spec: m.Spec, by: str = "") -> str:
    labels = f"le, {by}" if by else "le"
    return f"histogram_quantile({quantile}, sum by ({labels}) (rate({spec.name}_bucket[$__rate_interval])))"


_FIRST_LOOK: Final = Section(
    "Is it well?",
    height=4,
    panels=(
        Panel(
            "Lag",
            Kind.STAT,
            "Age of the oldest event that the workers have not taken in. No number: nobody measures.",
            [Promql(f"max({m.GROUP_MAX_LAG_SECONDS.name})", "lag")],
            unit="s",
            width=4,
            red_from=_LAG_OBJECTIVE_SECONDS,
        ),
        Panel(
            "Alerts that fire",
            Kind.STAT,
            "deploy/RUNBOOK.md has an entry for each.",
            [Promql('count(ALERTS{alertstate="firing", alertname=~"Engagement.*"}) or vector(0)', "firing")],
            width=4,
            red_from=1,
        ),
        Panel(
            "Members of the group",
            Kind.STAT,
            "Workers that Kafka counts as alive.",
            [Promql(f"max by (consumergroup) ({m.GROUP_MEMBERS.name})", "{{consumergroup}}")],
            width=4,
            red_below=1,
        ),
        Panel(
            "Processes reached",
            Kind.STAT,
            "1: Prometheus reaches it.",
            [Promql('min by (job) (up{job=~"engagement-.*"})', "{{job}}")],
            width=8,
            red_below=1,
        ),
        Panel(
            "Since the last rows",
            Kind.STAT,
            "Seconds since ClickHouse last took rows of any worker; large and well while no events come.",
            [Promql(f"time() - max({m.WORKER_LAST_INSERT.name} > 0)", "ago")],
            unit="s",
            width=4,
        ),
    ),
)

_LAG: Final = Section(
    "Lag",
    panels=(
        Panel(
            "Lag in seconds",
            Kind.LINES,
            "Age of the oldest event not taken in, by topic. The line is the objective.",
            [Promql(f"max by (topic) ({m.GROUP_LAG_SECONDS.name})", "{{topic}}")],
            unit="s",
            red_from=_LAG_OBJECTIVE_SECONDS,
        ),
        Panel(
            "Lag in records",
            Kind.LINES,
            "Records not taken in, by topic; -1: nothing has ever been committed.",
            [Promql(f"max by (topic) ({m.GROUP_LAG_SUM.name})", "{{topic}}")],
        ),
        Panel(
            "Since lag was measured",
            Kind.LINES,
            "Grows while Kafka does not answer the lag exporter.",
            [Promql(f"time() - max({m.LAG_MEASURED_AT.name} > 0)", "ago")],
            unit="s",
        ),
    ),
)

_EVENTS: Final = Section(
    "Events",
    panels=(
        Panel(
            "Records taken in",
            Kind.LINES,
            "Per second and topic, all workers.",
            [Promql(_rate("topic", m.WORKER_RECORDS), "{{topic}}")],
            unit="cps",
            stacked=True,
        ),
        Panel(
            "Rejects",
            Kind.LINES,
            "Per second and reason: `engage rejected list` shows them.",
            [Promql(_rate("reason", m.WORKER_REJECTED), "{{reason}}")],
            unit="cps",
            stacked=True,
        ),
        Panel(
            "Duplicates",
            Kind.LINES,
            "Deliveries per second of events that had been counted before: retries of senders.",
            [Promql(f"sum(rate({m.WORKER_DUPLICATES.name}[$__rate_interval]))", "duplicates")],
            unit="cps",
        ),
    ),
)

_FLUSHES: Final = Section(
    "Flushes",
    panels=(
        Panel(
            "Time per step",
            Kind.LINES,
            "Seconds per second that workers spend in each step of a flush: what is slow. "
            "facts, rows: ClickHouse; state: Kafka and disk; decode, fold: processor.",
            [Promql(f"sum by (step) (rate({m.WORKER_STEP_SECONDS.name}_sum[$__rate_interval]))", "{{step}}")],
            unit="percentunit",
            stacked=True,
        ),
        Panel(
            "Slowest steps",
            Kind.LINES,
            "99th percentile of the seconds of a step.",
            [Promql(_quantile(0.99, m.WORKER_STEP_SECONDS, "step"), "{{step}}")],
            unit="s",
        ),
        Panel(
            "Records per flush",
            Kind.LINES,
            "Median and 99th percentile. Flushes grow with load; the limit is ENGAGE_FLUSH_MAX_RECORDS.",
            [
                Promql(_quantile(0.5, m.WORKER_FLUSH_RECORDS), "median"),
                Promql(_quantile(0.99, m.WORKER_FLUSH_RECORDS), "99 %"),
            ],
        ),
    ),
)

_CLICKHOUSE: Final = Section(
    "ClickHouse",
    panels=(
        Panel(
            "Rows taken",
            Kind.LINES,
            "Rows per second that ClickHouse has taken, by table.",
            [Promql(_rate("table", m.WORKER_ROWS), "{{table}}")],
            unit="rowsps",
            stacked=True,
        ),
        Panel(
            "Failed calls",
            Kind.LINES,
            "Calls per second that failed and were tried again, by worker; and those of the lag exporter.",
            [
                Promql(_rate("instance", m.WORKER_INSERT_RETRIES), "{{instance}}"),
                Promql(_rate("instance", m.LAG_INSERT_FAILURES), "{{instance}}"),
            ],
            unit="cps",
        ),
        Panel(
            "Since the last rows",
            Kind.LINES,
            "Seconds since ClickHouse last took rows, by worker.",
            [Promql(f"time() - ({m.WORKER_LAST_INSERT.name} > 0)", "{{instance}}")],
            unit="s",
        ),
    ),
)

_HITS: Final = f'sum by (instance) (rate({m.WORKER_CACHE_LOOKUPS.name}{{result="hit"}}[$__rate_interval]))'

_STATE: Final = Section(
    "State",
    panels=(
        Panel(
            "State",
            Kind.LINES,
            "Bytes of state on the local disk, by worker.",
            [Promql(m.WORKER_STATE_BYTES.name, "{{instance}}")],
            unit="bytes",
            width=6,
        ),
        Panel(
            "Free disk",
            Kind.LINES,
            "Bytes free on the disk that holds the state, by worker.",
            [Promql(m.WORKER_DISK_FREE_BYTES.name, "{{instance}}")],
            unit="bytes",
            width=6,
        ),
        Panel(
            "Changelog",
            Kind.LINES,
            "Bytes per second sent to the changelog, by worker.",
            [Promql(_rate("instance", m.WORKER_CHANGELOG_BYTES), "{{instance}}")],
            unit="Bps",
            width=6,
        ),
        Panel(
            "Found in memory",
            Kind.LINES,
            "Share of customers looked up that were in memory; new customers are not. "
            "The limit is ENGAGE_CACHE_MAX_CUSTOMERS.",
            [
                Promql(f"{_HITS} / {_rate('instance', m.WORKER_CACHE_LOOKUPS)}", "{{instance}}"),
            ],
            unit="percentunit",
            width=6,
        ),
        Panel(
            "Recovery: records left",
            Kind.LINES,
            "Changelog records still to be read before a worker takes new events.",
            [Promql(m.WORKER_RECOVERY_REMAINING.name, "{{instance}}")],
            width=6,
        ),
        Panel(
            "Recovering",
            Kind.LINES,
            "1: the worker is reading back its state.",
            [Promql(m.WORKER_RECOVERING.name, "{{instance}}")],
            width=6,
        ),
        Panel(
            "Partitions",
            Kind.LINES,
            "Partitions of the changelog, by worker: together ENGAGE_PARTITIONS.",
            [Promql(m.WORKER_PARTITIONS.name, "{{instance}}")],
            width=6,
            stacked=True,
        ),
        Panel(
            "Assignments",
            Kind.LINES,
            "New assignments of partitions per hour, by worker: each is a restart somewhere.",
            [Promql(f"delta({m.WORKER_GENERATION.name}[1h])", "{{instance}}")],
            width=6,
        ),
    ),
)

_COLLECTOR: Final = Section(
    "Collector",
    panels=(
        Panel(
            "Answers",
            Kind.LINES,
            "Requests per second, by status.",
            [Promql(_rate("status", m.REQUESTS), "{{status}}")],
            unit="reqps",
            stacked=True,
        ),
        Panel(
            "Events taken",
            Kind.LINES,
            "Events per second that Kafka has acknowledged; set_aside: not valid, so to be rejected.",
            [Promql(_rate("source, outcome", m.EVENTS), "{{source}} {{outcome}}")],
            unit="cps",
            stacked=True,
        ),
        Panel(
            "Slowest answers",
            Kind.LINES,
            "99th percentile of a request, and of a flush to Kafka.",
            [
                Promql(_quantile(0.99, m.REQUEST_SECONDS), "request"),
                Promql(_quantile(0.99, m.FLUSH_SECONDS), "Kafka"),
            ],
            unit="s",
        ),
    ),
)


def stream_health() -> dict[str, Any]:
    """The dashboard's JSON."""
    sections = (_FIRST_LOOK, _LAG, _EVENTS, _FLUSHES, _CLICKHOUSE, _STATE, _COLLECTOR)
    return dashboard("engagement-stream-health", "Stream health", sections, past="3h", refresh="15s")
