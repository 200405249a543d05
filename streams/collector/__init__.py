"""The collector: HTTP in, Kafka out. Speaks Segment's HTTP API and CloudEvents.

A request goes through these files: `server` (routes) → `requests` (the steps) → `body` → `auth` → `limits` →
`envelope` (JSON) → `segment` or `cloud_events` (message → event) → `clock` and `seen` (its time) → `judging`
(event → record, checked with the worker's own `decode`) → `delivery` and `kafka_out` → `answers`.
"""
