"""Who is who in Superset: the same names make the same ids, so a second import finds what the first made."""

from __future__ import annotations

from typing import Final
from uuid import UUID, uuid5

#: Of Superset's export format.
VERSION: Final = "1.0.0"
_NAMESPACE: Final = UUID("5b1c9d0e-6c3f-4d0a-9a44-2f6f0c1c7e52")


def uuid_of(kind: str, name: str) -> str:
    """Of a database, dataset, chart or dashboard."""
    return str(uuid5(_NAMESPACE, f"{kind}/{name}"))
