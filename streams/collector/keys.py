"""Write keys: which there are, and what each may do. Read once, from a TOML file."""

from __future__ import annotations

import hmac
import sys
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from schemas.fields import Currency
from streams.collector.limits import Allowance
from streams.errors import ConfigError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # type: ignore[import-not-found, unused-ignore]


class WriteKey(BaseModel):
    """One `[[key]]` of the file. The key itself is a secret: it is neither logged nor printed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    write_key: Annotated[SecretStr, Field(min_length=8)]
    source: Annotated[str, Field(min_length=1, max_length=128)]
    origins: tuple[str, ...] = ()
    events_per_second: float | None = Field(None, gt=0)
    burst: int | None = Field(None, ge=1)
    events_per_day: int | None = Field(None, ge=1)
    currency: Currency | None = None

    @property
    def allowance(self) -> Allowance:
        return Allowance(self.events_per_second, self.burst, self.events_per_day)

    def allows(self, origin: str) -> bool:
        """Whether pages of this origin (`https://host`) may use the key."""
        return "*" in self.origins or origin in self.origins


class WriteKeys:
    """All keys; also the origins that any of them allows, as a CORS preflight carries no key."""

    def __init__(self, keys: tuple[WriteKey, ...]) -> None:
        self.all = keys
        self._secrets = tuple(key.write_key.get_secret_value().encode() for key in keys)
        self._origins = frozenset(origin for key in keys for origin in key.origins)

    def find(self, write_key: str) -> WriteKey | None:
        """The key with this secret. As slow for each of them: no early exit, constant-time comparison."""
        given = write_key.encode("utf-8", "surrogatepass")
        found = None
        for key, secret in zip(self.all, self._secrets, strict=True):
            if hmac.compare_digest(given, secret):
                found = key
        return found

    def allows_origin(self, origin: str) -> bool:
        return bool(origin) and ("*" in self._origins or origin in self._origins)


def load_keys(path: Path) -> WriteKeys:
    """Read the file.

    Raises:
        ConfigError: one line that names the file and the line or entry, never a write key.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            f"--keys {path}: {error.strerror}; see deploy/collector/keys.example.toml"
        ) from None
    except UnicodeDecodeError:
        raise ConfigError(f"--keys {path}: is not UTF-8 text") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"--keys {path}: {error}") from None
    entries = content.get("key")
    if not isinstance(entries, list) or not entries or content.keys() != {"key"}:
        raise ConfigError(
            f"--keys {path}: needs one or more [[key]] with write_key and source, and nothing else"
        )
    keys = tuple(_key(path, number, entry) for number, entry in enumerate(entries, start=1))
    _check_unique(path, keys)
    return WriteKeys(keys)


def _key(path: Path, number: int, entry: Any) -> WriteKey:
    try:
        return WriteKey.model_validate(entry)
    except ValidationError as error:
        # Neither `input` nor a message that quotes it: an entry holds a secret.
        first = error.errors(include_input=False, include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        raise ConfigError(f"--keys {path}: [[key]] number {number}: {field}: {first['msg']}") from None


def _check_unique(path: Path, keys: tuple[WriteKey, ...]) -> None:
    seen: dict[str, int] = {}
    for number, key in enumerate(keys, start=1):
        first = seen.setdefault(key.write_key.get_secret_value(), number)
        if first != number:
            raise ConfigError(f"--keys {path}: [[key]] number {number} has the write_key of number {first}")
