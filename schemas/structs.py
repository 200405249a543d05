"""The short way to a valid event: structs made while parsing, derived from the event models.

What they accept, pydantic accepts; not the other way round. Whoever gets None asks pydantic, which knows all
rules and says what is wrong (`schemas.wire`). As nearly all events are valid, that saves a third of decoding.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

import msgspec
from annotated_types import Ge, Le, MaxLen, MinLen
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from schemas.events import MODEL_OF_TYPE, EngagementEvent
from schemas.fields import ANONYMOUS_PREFIX, AnyCustomerId, epoch_ms


def read_valid(value: bytes) -> Any:
    """An `Envelope` of the event in a record's value; None where it takes pydantic to tell: it is wrong, of a
    custom type, has further keys at the top, or its type has rules that structs cannot express."""
    try:
        envelope = _read_envelope(value)
        kind = _PROPERTIES_OF_TYPE.get(envelope.type)
        if kind is None:
            return None
        if envelope.properties is None:
            envelope.properties = {}
        msgspec.convert(envelope.properties, kind)
        envelope.occurred_at = epoch_ms(envelope.occurred_at)
    except (ValueError, RecursionError):
        return None
    customer_id = envelope.customer_id
    if customer_id is not None and customer_id.startswith(ANONYMOUS_PREFIX):
        return None
    return envelope


class _InexpressibleError(Exception):
    """A rule that is a function."""


def _struct_of(model: type[BaseModel]) -> type[msgspec.Struct]:
    fields = [_field(name, info) for name, info in model.model_fields.items()]
    return msgspec.defstruct(model.__name__, fields, kw_only=True, gc=False)


def _field(name: str, info: FieldInfo) -> tuple[str, Any] | tuple[str, Any, Any]:
    kind = _ruled(_kind(info.annotation), info.metadata)
    return (name, kind) if info.is_required() else (name, kind, info.default)


def _kind(annotation: Any) -> Any:
    """The same type in the terms of msgspec; knows the shapes that the contract uses."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return _struct_of(annotation)
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _ruled(_kind(parts[0]), parts[1:])
    if origin in (Union, UnionType):
        return Union[tuple(map(_kind, parts))]  # noqa: UP007  # built from parts, which `|` cannot be
    if origin is list:
        return list[_kind(parts[0])]  # type: ignore[misc]
    if annotation in (str, int, bool, NoneType) or origin is Literal or annotation == dict[str, Any]:
        return annotation
    raise _InexpressibleError(annotation)


def _ruled(kind: Any, rules: Iterable[object]) -> Any:
    meta: dict[str, Any] = {}
    for rule in _flat(rules):
        meta |= _meta(rule)
    return Annotated[kind, msgspec.Meta(**meta)] if meta else kind


def _flat(rules: Iterable[object]) -> Iterable[object]:
    for rule in rules:
        yield from rule.metadata if isinstance(rule, FieldInfo) else (rule,)


def _meta(rule: object) -> dict[str, Any]:
    match rule:
        case MinLen(min_length=length):
            return {"min_length": length}
        case MaxLen(max_length=length):
            return {"max_length": length}
        case Ge(ge=least):
            return {"ge": least}
        case Le(le=most):
            return {"le": most}
    # Pydantic's own metadata, which is private: whatever was said in a `Field`.
    said = getattr(rule, "__dict__", {})
    if said.keys() != {"pattern"}:
        raise _InexpressibleError(rule)
    # msgspec searches with `re`, where `$` matches before a newline as well.
    return {"pattern": said["pattern"].replace("$", r"\Z")}


def _properties_of_type() -> dict[str, Any]:
    found = {}
    for name, model in MODEL_OF_TYPE.items():
        try:
            found[name] = _kind(model.model_fields["properties"].annotation)
        except _InexpressibleError:
            continue
    return found


def _envelope() -> Any:
    # `read_valid` applies the rules of these two that are functions.
    checked: dict[str, tuple[Any, ...]] = {
        "occurred_at": (str,),
        "customer_id": (_kind(AnyCustomerId | None), None),
    }
    fields: list[Any] = [("properties", dict[str, Any] | None, None)]
    for name, info in EngagementEvent.model_fields.items():
        fields.append((name, *checked[name]) if name in checked else _field(name, info))
    return msgspec.defstruct("Envelope", fields, kw_only=True, gc=False, forbid_unknown_fields=True)


#: The fields of `EngagementEvent`: `occurred_at` in milliseconds once it is read, `properties` as sent.
Envelope: Final = _envelope()
_read_envelope: Final = msgspec.json.Decoder(Envelope).decode
_PROPERTIES_OF_TYPE: Final = _properties_of_type()
