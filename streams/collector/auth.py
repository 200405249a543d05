"""Which write key a request comes with: Basic auth's user name, or the body's `writeKey`; the header wins."""

from __future__ import annotations

import base64
import binascii

from streams.collector.answers import Refused
from streams.collector.keys import WriteKey, WriteKeys


def from_header(authorization: str) -> str | None:
    """The user name of a Basic header; None without such a header, or with an empty name."""
    scheme, _, credentials = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        text = base64.b64decode(credentials.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    return text.partition(":")[0] or None


def authenticate(keys: WriteKeys, header_key: str | None, body_key: object) -> WriteKey:
    """The write key in use.

    Raises:
        Refused: 401 without a write key or with one that is not in the file.
    """
    given = header_key if header_key is not None else body_key
    if not isinstance(given, str) or not given:
        raise Refused(
            401, "no_write_key", "send the write key as user name of Basic auth, or as writeKey in the body"
        )
    found = keys.find(given)
    if found is None:
        raise Refused(401, "unknown_write_key", "the write key is not known here")
    return found


def check_origin(key: WriteKey, origin: str) -> None:
    """A browser says which page a request comes from; servers do not.

    Raises:
        Refused: 403, the key is not for pages of this origin.
    """
    if origin and not key.allows(origin):
        raise Refused(
            403, "origin_not_allowed", "this write key does not list the page's origin in `origins`"
        )
