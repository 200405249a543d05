"""Validators for the hot path, derived from the event models.

A model instance per event costs twice what a validated dict costs, so each model is turned into a `TypedDict`
with the same fields and rules, and that is compiled.
"""

from __future__ import annotations

from collections.abc import Callable
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, TypeAdapter, with_config
from pydantic.fields import FieldInfo
from typing_extensions import NotRequired, Required, TypedDict

from schemas.fields import OccurredAtMs

Validate = Callable[[object], dict[str, Any]]


def wire_validator(model: type[BaseModel]) -> Validate:
    """A function from parsed JSON to the declared keys that it has; `occurred_at` comes back in milliseconds.

    Keys that the model does not declare are left out of the result. Raises pydantic's ValidationError.
    """
    validate: Validate = TypeAdapter(_typed_dict(model)).validator.validate_python
    return validate


def _typed_dict(model: type[BaseModel]) -> Any:
    fields = {name: _field(name, info) for name, info in model.model_fields.items()}
    made = TypedDict(model.__name__, fields)  # type: ignore[misc]  # mypy knows only literal field lists
    return with_config(ConfigDict(strict=True))(made)


def _field(name: str, info: FieldInfo) -> Any:
    presence: Any = Required if info.is_required() else NotRequired
    if name == "occurred_at":
        return presence[OccurredAtMs]
    kind = _dict_for_model(info.annotation)
    annotated = (kind, *info.metadata)
    return presence[Annotated[annotated] if info.metadata else kind]


def _dict_for_model(kind: Any) -> Any:
    """The same type with every model in it replaced; knows the shapes that the contract uses."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return _typed_dict(kind)
    inner = tuple(_dict_for_model(part) for part in get_args(kind))
    if get_origin(kind) in (Union, UnionType):
        return Union[inner]  # noqa: UP007  # built from parts, which `|` cannot be
    if get_origin(kind) is list:
        return list[inner]  # type: ignore[valid-type]
    return kind
