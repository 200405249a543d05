"""The rules: what activity is worth, what makes a lead, how long customers usually wait until they buy again.

`deploy/rules/engagement.toml` holds them; what stands in no file is built in. `settings` in ClickHouse holds
those in force, which `engage restate` changes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError
from typing_extensions import Self

from schemas.fields import INT64_MAX, INT64_MIN, EventType
from streams.core.score import ScoreRules
from streams.core.status import DEFAULT_POPULATION_GAP_DAYS
from streams.toml_file import validated

Op = Literal["exists", "equals", "not_equals", "contains", "starts_with", "at_least", "at_most"]


def _comparable(value: object) -> object:
    if not isinstance(value, str | bool | int | float):
        raise ValueError("must be a text, a number, true or false")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("must be a finite number")
    if isinstance(value, int) and not INT64_MIN <= value <= INT64_MAX:
        raise ValueError("must fit into 64 bits")
    return value


Value = Annotated[str | bool | int | float, BeforeValidator(_comparable)]
LeadPoints = Annotated[int, Field(ge=-1_000_000, le=1_000_000)]
_ADVICE: Final = "see deploy/rules/engagement.toml, or leave ENGAGE_RULES_FILE empty for the built-in rules"


class Section(BaseModel):
    """A part of the rules: immutable, without keys that nothing reads."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Criterion(Section):
    """An event of `type` whose `property` compares as `op` says; without one, any event of the type."""

    type: EventType
    property: Annotated[str, Field(min_length=1, max_length=128)] | None = None
    op: Op = "exists"
    value: Value | None = None

    @model_validator(mode="before")
    @classmethod
    def _op_from_value(cls, given: Any) -> Any:
        if isinstance(given, dict) and "op" not in given:
            return {**given, "op": "exists" if given.get("value") is None else "equals"}
        return given

    @model_validator(mode="after")
    def _belong_together(self) -> Self:
        if self.property is None and (self.op != "exists" or self.value is not None):
            raise ValueError("needs a property to compare")
        if (self.op == "exists") != (self.value is None):
            raise ValueError(f"{self.op} needs {'no' if self.op == 'exists' else 'a'} value")
        if self.op in ("contains", "starts_with") and not (isinstance(self.value, str) and self.value):
            raise ValueError(f"{self.op} needs a text as its value")
        if self.op in ("at_least", "at_most") and (
            isinstance(self.value, bool) or not isinstance(self.value, int | float)
        ):
            raise ValueError(f"{self.op} needs a number as its value")
        return self


class LeadRule(Section):
    """Points for a customer each time that all criteria hold, or only for the first time (`once`).

    Criteria of one event type hold on one and the same event; with several types, each has such an event.
    """

    name: Annotated[str, Field(min_length=1, max_length=64)]
    when: Annotated[tuple[Criterion, ...], Field(min_length=1, max_length=16)]
    points: LeadPoints
    once: bool = False

    @field_validator("points")
    @classmethod
    def _not_zero(cls, points: int) -> int:
        if points == 0:
            raise ValueError("must not be 0")
        return points


DEFAULT_LEAD: Final = (
    LeadRule(
        name="Pricing page viewed",
        when=(Criterion(type="page_viewed", property="url", op="contains", value="/pricing"),),
        points=10,
    ),
    LeadRule(name="Product viewed", when=(Criterion(type="product_viewed"),), points=2),
    LeadRule(name="Form submitted", when=(Criterion(type="form_submitted"),), points=15, once=True),
    LeadRule(name="Chat started", when=(Criterion(type="conversation_started"),), points=10),
    LeadRule(name="Product put into the cart", when=(Criterion(type="product_added"),), points=8),
    LeadRule(name="Searched", when=(Criterion(type="search_performed"),), points=1),
    LeadRule(
        name="Looked for a job",
        when=(Criterion(type="page_viewed", property="url", op="contains", value="/careers"),),
        points=-20,
        once=True,
    ),
)


class Churn(Section):
    """Source: metric dictionary, "At risk". `population_gap_days` is the usual time between purchase days."""

    population_gap_days: float = Field(DEFAULT_POPULATION_GAP_DAYS, ge=1, le=3_650, allow_inf_nan=False)


class Rules(Section):
    """All rules. A section that is left out has its built-in values."""

    score: ScoreRules = Field(default_factory=ScoreRules)
    lead: Annotated[tuple[LeadRule, ...], Field(max_length=100)] = DEFAULT_LEAD
    churn: Churn = Churn()

    @field_validator("lead")
    @classmethod
    def _names_differ(cls, rules: tuple[LeadRule, ...]) -> tuple[LeadRule, ...]:
        names = [rule.name for rule in rules]
        for number, name in enumerate(names):
            if name in names[:number]:
                taken = PydanticCustomError("taken", "is the name of an earlier rule")
                details = InitErrorDetails(type=taken, loc=(number, "name"), input=name)
                raise ValidationError.from_exception_data("lead", [details])
        return rules


DEFAULT_RULES: Final = Rules()


def load_rules(path: Path | None) -> Rules:
    """The rules in a file; without one, the built-in ones.

    Raises:
        ConfigError: one line, `file:line: field: what is wrong`.
    """
    return DEFAULT_RULES if path is None else validated(Rules, path, _ADVICE)


def to_text(rules: Rules) -> str:
    """JSON, for `settings`."""
    return rules.model_dump_json()


def from_text(text: str) -> Rules:
    """The reverse of `to_text`."""
    return Rules.model_validate_json(text)


def first_difference(rules: Rules, other: Rules) -> str | None:
    """`field: value, not other's value` for the first field that differs; None when nothing does."""
    ours, theirs = dict(_leaves("", rules.model_dump())), dict(_leaves("", other.model_dump()))
    for name in [*ours, *theirs]:
        if (name in ours) != (name in theirs) or ours.get(name) != theirs.get(name):
            return f"{name}: {_shown(ours, name)}, not {_shown(theirs, name)}"
    return None


def _shown(leaves: dict[str, object], name: str) -> str:
    return repr(leaves[name]) if name in leaves else "nothing"


def _leaves(name: str, value: object) -> Iterator[tuple[str, object]]:
    """Fields that hold no others, by their dotted names; positions count from 1."""
    parts: Iterator[tuple[object, object]]
    if isinstance(value, dict):
        parts = iter(value.items())
    elif isinstance(value, tuple | list):
        parts = iter(enumerate(value, start=1))
    else:
        yield name, value
        return
    for part, inner in parts:
        yield from _leaves(f"{name}.{part}" if name else str(part), inner)
