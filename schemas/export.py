"""Writes the contract for other languages: `json/` (JSON Schema 2020-12) and `asyncapi.yaml` (AsyncAPI 3).

    python -m schemas.export            write the files beside this module
    python -m schemas.export --check    status 1 and one line if a file differs from the models

Needs PyYAML, which only development installs.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from schemas import asyncapi
from schemas.events import MODEL_OF_TYPE, CustomEvent

DIRECTORY: Final = Path(__file__).parent
_DIALECT: Final = {"$schema": "https://json-schema.org/draft/2020-12/schema"}


def documents() -> dict[str, str]:
    """Every exported file: path below `schemas/` → text."""
    by_name: dict[str, type[BaseModel]] = {**MODEL_OF_TYPE, "custom_event": CustomEvent}
    texts = {f"json/{name}.json": _json_text(_schema_of(model)) for name, model in by_name.items()}
    texts["json/event.json"] = _json_text(_schema_of_any(list(by_name.values())))
    texts["asyncapi.yaml"] = yaml.safe_dump(
        asyncapi.document(), sort_keys=False, allow_unicode=True, width=110
    )
    return texts


def _schema_of(model: type[BaseModel]) -> dict[str, Any]:
    return {**_DIALECT, **model.model_json_schema(schema_generator=asyncapi.PlainSchema)}


def _schema_of_any(models: list[type[BaseModel]]) -> dict[str, Any]:
    references, definitions = models_json_schema(
        [(model, "validation") for model in models], schema_generator=asyncapi.PlainSchema
    )
    one_of = [references[model, "validation"] for model in models]
    return {**_DIALECT, "title": "EngagementEvent", "oneOf": one_of, **definitions}


def _json_text(schema: dict[str, Any]) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def differences(directory: Path) -> list[str]:
    """Paths of exported files that are missing, differ from the models, or belong to no model."""
    expected = documents()
    found = {f"json/{path.name}" for path in (directory / "json").glob("*.json")}
    stale = sorted(found - expected.keys())
    return stale + [path for path, text in expected.items() if _read(directory / path) != text]


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None


def write(directory: Path) -> None:
    """Write all files and remove schemas that belong to no model any more."""
    (directory / "json").mkdir(parents=True, exist_ok=True)
    for path in differences(directory):
        (directory / path).unlink(missing_ok=True)
    for path, text in documents().items():
        (directory / path).write_text(text, encoding="utf-8")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m schemas.export", description="Export the event contract."
    )
    parser.add_argument("--check", action="store_true", help="compare only; status 1 if a file differs")
    parser.add_argument("--directory", type=Path, default=DIRECTORY, help="where the files lie")
    options = parser.parse_args(arguments)
    if not options.check:
        write(options.directory)
        return 0
    differing = differences(options.directory)
    if differing:
        print(
            f"{', '.join(differing)}: not what the models say; run `python -m schemas.export`",
            file=sys.stderr,
        )
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
