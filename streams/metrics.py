"""Every Prometheus metric that is served: its name with the unit, what it says, its labels.

Units are in the names: `_seconds` (also of timestamps, since 1970), `_total` for what is counted; offsets,
records, members and 0 or 1 have none.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Spec(NamedTuple):
    """A metric. Its fields are the first arguments of prometheus_client's classes."""

    name: str
    help: str
    labels: tuple[str, ...] = ()


# -- the collector (`engage collect`) ----------------------------------------------------------------

REQUESTS: Final = Spec("engagement_collector_requests_total", "Requests answered", ("route", "status"))
EVENTS: Final = Spec(
    "engagement_collector_events_total",
    "Events acknowledged by Kafka; outcome: accepted, set_aside",
    ("source", "outcome"),
)
REFUSED: Final = Spec("engagement_collector_refused_total", "Requests refused", ("code",))
BOTS: Final = Spec(
    "engagement_collector_bot_events_total", "Events accepted whose user agent is a bot's", ("source",)
)
REQUEST_SECONDS: Final = Spec(
    "engagement_collector_request_seconds", "Seconds from headers to answer", ("route",)
)
FLUSH_SECONDS: Final = Spec("engagement_collector_flush_seconds", "Seconds until Kafka acknowledged a flush")
IN_FLIGHT: Final = Spec("engagement_collector_in_flight_requests", "Requests being read, mapped or delivered")
COLLECTOR: Final = (REQUESTS, EVENTS, REFUSED, BOTS, REQUEST_SECONDS, FLUSH_SECONDS, IN_FLIGHT)

# -- workers (`engage worker`) -----------------------------------------------------------------------

WORKER_RECORDS: Final = Spec("engagement_worker_records_total", "Records read", ("topic",))
WORKER_REJECTED: Final = Spec(
    "engagement_worker_rejected_total", "Records that became rejects, by reason", ("reason",)
)
WORKER_DUPLICATES: Final = Spec(
    "engagement_worker_duplicates_total", "Deliveries of events that had been counted before"
)
WORKER_FLUSH_RECORDS: Final = Spec("engagement_worker_flush_records", "Records of a flush")
WORKER_STEP_SECONDS: Final = Spec(
    "engagement_worker_step_seconds",
    "Seconds of a step of a flush: decode, hand_over, fold, facts, identity, state, rows, late, status",
    ("step",),
)
WORKER_ROWS: Final = Spec("engagement_worker_rows_total", "Rows that ClickHouse has taken", ("table",))
WORKER_INSERT_RETRIES: Final = Spec(
    "engagement_worker_insert_retries_total", "Calls to ClickHouse that failed and were tried again"
)
WORKER_LAST_FLUSH: Final = Spec(
    "engagement_worker_last_flush_timestamp_seconds", "When a flush last ended, in seconds since 1970"
)
WORKER_LAST_INSERT: Final = Spec(
    "engagement_worker_last_insert_timestamp_seconds", "When ClickHouse last took rows, in seconds since 1970"
)
WORKER_CHANGELOG_BYTES: Final = Spec(
    "engagement_worker_changelog_bytes_total", "Bytes of keys and values sent to the changelog"
)
WORKER_STATE_BYTES: Final = Spec("engagement_worker_state_bytes", "Bytes of state on the local disk")
WORKER_DISK_FREE_BYTES: Final = Spec(
    "engagement_worker_disk_free_bytes", "Bytes free on the disk that holds the state"
)
WORKER_CACHE_LOOKUPS: Final = Spec(
    "engagement_worker_cache_lookups_total",
    "Customers looked up; result: hit (in memory), miss (read from disk, or new)",
    ("result",),
)
WORKER_RECOVERING: Final = Spec("engagement_worker_recovering", "1: state is being recovered")
WORKER_RECOVERY_REMAINING: Final = Spec(
    "engagement_worker_recovery_remaining_records", "Changelog records still to be read"
)
WORKER_GENERATION: Final = Spec(
    "engagement_worker_generation", "Grows whenever partitions are assigned to this worker anew"
)
WORKER_PARTITIONS: Final = Spec("engagement_worker_partitions", "Partitions of the changelog assigned")
WORKER_TRANSITIONS: Final = Spec(
    "engagement_worker_transitions_total", "Changes of churn status told, by status reached", ("to_status",)
)
WORKER: Final = (
    WORKER_RECORDS,
    WORKER_REJECTED,
    WORKER_DUPLICATES,
    WORKER_FLUSH_RECORDS,
    WORKER_STEP_SECONDS,
    WORKER_ROWS,
    WORKER_INSERT_RETRIES,
    WORKER_LAST_FLUSH,
    WORKER_LAST_INSERT,
    WORKER_CHANGELOG_BYTES,
    WORKER_STATE_BYTES,
    WORKER_DISK_FREE_BYTES,
    WORKER_CACHE_LOOKUPS,
    WORKER_RECOVERING,
    WORKER_RECOVERY_REMAINING,
    WORKER_GENERATION,
    WORKER_PARTITIONS,
    WORKER_TRANSITIONS,
)

# -- the dashboard (`engage dashboard`) --------------------------------------------------------------

DASHBOARD_REQUESTS: Final = Spec(
    "engagement_dashboard_requests_total", "Requests answered, streams included", ("route", "status")
)
DASHBOARD_REQUEST_SECONDS: Final = Spec(
    "engagement_dashboard_request_seconds", "Seconds from headers to answer, without streams", ("route",)
)
DASHBOARD_QUERY_SECONDS: Final = Spec(
    "engagement_dashboard_query_seconds", "Seconds that ClickHouse took for a query"
)
DASHBOARD_LOOK_SECONDS: Final = Spec(
    "engagement_dashboard_look_seconds", "Seconds of a look for pages that listen", ("subject",)
)
DASHBOARD_LISTENERS: Final = Spec("engagement_dashboard_listeners", "Pages that listen")
DASHBOARD_TOPICS: Final = Spec("engagement_dashboard_topics", "Different subjects that pages listen to")
DASHBOARD_CSP_REPORTS: Final = Spec(
    "engagement_dashboard_csp_reports_total", "Reports of browsers that a page tried what it must not"
)
DASHBOARD: Final = (
    DASHBOARD_REQUESTS,
    DASHBOARD_REQUEST_SECONDS,
    DASHBOARD_QUERY_SECONDS,
    DASHBOARD_LOOK_SECONDS,
    DASHBOARD_LISTENERS,
    DASHBOARD_TOPICS,
    DASHBOARD_CSP_REPORTS,
)

# -- lag (`engage lag-exporter`) ---------------------------------------------------------------------

# As danielqsj/kafka_exporter names them.
GROUP_LAG: Final = Spec(
    "kafka_consumergroup_lag",
    "Log-end offset minus committed offset; -1: nothing committed",
    ("consumergroup", "topic", "partition"),
)
GROUP_LAG_SUM: Final = Spec(
    "kafka_consumergroup_lag_sum",
    "Lag over the partitions where something is committed; -1: nothing committed in any",
    ("consumergroup", "topic"),
)
GROUP_OFFSET: Final = Spec(
    "kafka_consumergroup_current_offset",
    "Committed offset; -1: nothing committed",
    ("consumergroup", "topic", "partition"),
)
GROUP_MEMBERS: Final = Spec(
    "kafka_consumergroup_members", "Members of the group that are alive", ("consumergroup",)
)
# As seglo/kafka-lag-exporter names them; but exact, where that one interpolates.
GROUP_LAG_SECONDS: Final = Spec(
    "kafka_consumergroup_group_lag_seconds",
    "Seconds since the broker appended the oldest record not yet committed; 0: nothing is left to read",
    ("group", "topic", "partition"),
)
GROUP_MAX_LAG_SECONDS: Final = Spec(
    "kafka_consumergroup_group_max_lag_seconds", "The largest lag in seconds of a partition", ("group",)
)
# The exporter itself.
LAG_UP: Final = Spec(
    "engagement_lag_exporter_up",
    "1: lag was measured for this scrape; 0: Kafka did not answer in time",
)
LAG_MEASURED_AT: Final = Spec(
    "engagement_lag_exporter_last_success_timestamp_seconds",
    "When lag was last measured, in seconds since 1970; 0: never",
)
LAG_MEASURE_SECONDS: Final = Spec(
    "engagement_lag_exporter_measure_seconds", "Seconds that the last measurement took"
)
LAG_FAILURES: Final = Spec("engagement_lag_exporter_failures_total", "Measurements that failed")
LAG_ROWS: Final = Spec("engagement_lag_exporter_rows_total", "Rows written to stream_lag")
LAG_ROWS_WAITING: Final = Spec("engagement_lag_exporter_rows_waiting", "Rows not written to stream_lag yet")
LAG_ROWS_DROPPED: Final = Spec(
    "engagement_lag_exporter_rows_dropped_total", "Rows given up because ClickHouse was away for too long"
)
LAG_INSERT_FAILURES: Final = Spec(
    "engagement_lag_exporter_insert_failures_total", "Inserts into stream_lag that failed and are tried again"
)
LAG: Final = (
    GROUP_LAG,
    GROUP_LAG_SUM,
    GROUP_OFFSET,
    GROUP_MEMBERS,
    GROUP_LAG_SECONDS,
    GROUP_MAX_LAG_SECONDS,
    LAG_UP,
    LAG_MEASURED_AT,
    LAG_MEASURE_SECONDS,
    LAG_FAILURES,
    LAG_ROWS,
    LAG_ROWS_WAITING,
    LAG_ROWS_DROPPED,
    LAG_INSERT_FAILURES,
)

SPECS: Final = (*COLLECTOR, *WORKER, *DASHBOARD, *LAG)
