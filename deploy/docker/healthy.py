"""The image's health check: ends with 0 if HEALTH_URL answers 200 within three seconds.

HEALTH_URL is `/livez` of the process, or `/readyz` where others wait for it. Needs no shell and no package.
"""

from __future__ import annotations

import os
import sys
from urllib.error import URLError
from urllib.request import urlopen


def main() -> str | None:
    url = os.environ["HEALTH_URL"]
    try:
        urlopen(url, timeout=3).close()  # noqa: S310 (the deployment's own address)
    except (URLError, OSError) as error:
        return f"{url}: {error}"
    return None


if __name__ == "__main__":
    sys.exit(main())
