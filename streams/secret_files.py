"""Secrets from files, as Docker and Kubernetes hand them to a process: NAME_FILE instead of NAME."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import PydanticBaseSettingsSource

from streams.errors import ConfigError

_MOST_BYTES: Final = 64 * 1024


class SecretFiles(PydanticBaseSettingsSource):
    """Reads the file that `ENGAGE_<NAME>_FILE` names, for each setting that is a `SecretStr`.

    A newline at the end is not part of the secret. An empty variable counts as none.

    Raises:
        ConfigError: the file cannot be read, or the secret itself is in the environment, too.
    """

    def __call__(self) -> dict[str, Any]:
        fields = self.settings_cls.model_fields.items()
        found = {name: _read(name) for name, field in fields if field.annotation is SecretStr}
        return {name: value for name, value in found.items() if value is not None}

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """One field's value; see the base class."""
        return _read(field_name), field_name, False


def _read(name: str) -> str | None:
    variable = f"ENGAGE_{name.upper()}"
    if not (path := os.environ.get(f"{variable}_FILE")):
        return None
    if os.environ.get(variable):
        raise ConfigError(f"{variable}: given as {variable}_FILE as well; unset one of them")
    try:
        with Path(path).open("rb") as file:
            content = file.read(_MOST_BYTES).decode()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8"
        raise ConfigError(f"{variable}_FILE: {path} cannot be read ({reason})") from None
    return content.removesuffix("\n").removesuffix("\r")
