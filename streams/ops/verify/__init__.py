"""The user's own audit: every published number again, from facts, by a path of its own."""

from streams.ops.verify.audit import Audit, Progress
from streams.ops.verify.compare import Disagreement
from streams.ops.verify.report import Report

__all__ = ["Audit", "Disagreement", "Progress", "Report"]
