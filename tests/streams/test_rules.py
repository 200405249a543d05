"""The rules file: what it may say, and how a mistake in it is named."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from streams.core.score import ScoreRules, Weight
from streams.errors import ConfigError
from streams.rules.model import (
    DEFAULT_RULES,
    Churn,
    Criterion,
    LeadRule,
    Rules,
    first_difference,
    from_text,
    load_rules,
    to_text,
)

FILE = Path(__file__).parents[2] / "deploy/rules/engagement.toml"
SMALL = """
[score]
half_point = 40
other = { points = 0.5, daily_cap = 3 }
[score.weights]
page_viewed = { points = 1, daily_cap = 20 }

[[lead]]
name = "Prices"
when = [{ type = "page_viewed", property = "url", op = "contains", value = "/pricing" }]
points = 10

[[lead]]
name = "Form and chat"
when = [
    { type = "form_submitted", property = "form_id", value = "demo" },
    { type = "conversation_started" },
]
points = -5
once = true

[churn]
population_gap_days = 28.5
"""


def load(directory: Path, text: str) -> Rules:
    path = directory / "rules.toml"
    path.write_text(text)
    return load_rules(path)


def test_the_file_that_is_shipped_says_what_is_built_in() -> None:
    assert load_rules(FILE) == DEFAULT_RULES == load_rules(None)


def test_a_file_is_read_as_it_stands(tmp_path: Path) -> None:
    assert load(tmp_path, SMALL) == Rules(
        score=ScoreRules({"page_viewed": Weight(1, 20)}, other=Weight(0.5, 3), half_point=40),
        lead=(
            LeadRule(
                name="Prices",
                when=(Criterion(type="page_viewed", property="url", op="contains", value="/pricing"),),
                points=10,
            ),
            LeadRule(
                name="Form and chat",
                when=(
                    Criterion(type="form_submitted", property="form_id", op="equals", value="demo"),
                    Criterion(type="conversation_started", op="exists"),
                ),
                points=-5,
                once=True,
            ),
        ),
        churn=Churn(population_gap_days=28.5),
    )


def test_a_section_that_is_left_out_is_built_in(tmp_path: Path) -> None:
    rules = load(tmp_path, "[churn]\npopulation_gap_days = 7\n")
    assert rules == DEFAULT_RULES.model_copy(update={"churn": Churn(population_gap_days=7)})


def test_no_lead_rules_may_be_wanted(tmp_path: Path) -> None:
    assert load(tmp_path, "lead = []\n").lead == ()


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("half_point = 40", "half_point = 0", "3: score.half_point: must be at least 0.001"),
        ("half_point = 40", "half_point = nan", "3: score.half_point: must be a finite number"),
        ("daily_cap = 20", "daily_cap = 0", "6: score.weights.page_viewed.daily_cap: must be at least 1"),
        ("daily_cap = 20", "daily_cap = 1.5", "6: score.weights.page_viewed.daily_cap: must be a valid"),
        ("points = 1,", "points = -1,", "6: score.weights.page_viewed.points: must be at least 0"),
        (", daily_cap = 20", "", "6: score.weights.page_viewed.daily_cap: is missing"),
        ("daily_cap = 20", "daily_cap = 20, hourly_cap = 2", "6: score.weights.page_viewed.hourly_cap: is"),
        ("page_viewed = {", "Pages = {", "6: score.weights.Pages: must match pattern"),
        ('name = "Prices"\n', "", "8: lead.1.name: is missing"),
        ('name = "Prices"', 'name = ""', "9: lead.1.name: must have at least 1 character"),
        ('name = "Form and chat"', 'name = "Prices"', "14: lead.2.name: is the name of an earlier rule"),
        ("points = 10", "points = 0", "11: lead.1.points: must not be 0"),
        ("points = 10", "points = 1.5", "11: lead.1.points: must be a valid integer"),
        ("points = 10", "points = 10\ncolour = 1", "12: lead.1.colour: is not known"),
        ('op = "contains"', 'op = "like"', "10: lead.1.when.1.op: must be 'exists', 'equals'"),
        ('value = "/pricing"', "value = 7", "10: lead.1.when.1: contains needs a text as its value"),
        (', value = "/pricing"', "", "10: lead.1.when.1: contains needs a value"),
        ('op = "contains"', 'op = "at_least"', "10: lead.1.when.1: at_least needs a number as its value"),
        ('op = "contains"', 'op = "exists"', "10: lead.1.when.1: exists needs no value"),
        ('value = "/pricing"', "value = 2026-01-01", "10: lead.1.when.1.value: must be a text, a number"),
        ('value = "/pricing"', "value = inf", "10: lead.1.when.1.value: must be a finite number"),
        ('value = "/pricing"', f"value = {2**63}", "10: lead.1.when.1.value: must fit into 64 bits"),
        ('property = "form_id", ', "", "16: lead.2.when.1: needs a property to compare"),
        ('type = "conversation_started"', 'type = "Chat"', "17: lead.2.when.2.type: must match pattern"),
        ('type = "conversation_started"', 'property = "x"', "17: lead.2.when.2.type: is missing"),
        ("once = true", 'once = "often"', "20: lead.2.once: must be a valid boolean"),
        ("28.5", "0.5", "23: churn.population_gap_days: must be at least 1"),
        ("[churn]", "[churns]", "22: churns: is not known"),
        ("[churn]", "[churn", "22: Expected ']'"),
        ("28.5", "", "23: Invalid value"),
        ("28.5\n", "[", "23: "),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_file_line_and_field(tmp_path: Path, old: str, new: str, says: str) -> None:
    assert old in SMALL
    with pytest.raises(ConfigError) as error:
        load(tmp_path, SMALL.replace(old, new, 1))
    assert str(error.value).startswith(f"{tmp_path / 'rules.toml'}:{says}")
    assert "\n" not in str(error.value)


def test_of_two_mistakes_the_first_in_the_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"rules\.toml:6: "):
        load(tmp_path, SMALL.replace("daily_cap = 20", "daily_cap = 0").replace("28.5", "0"))


def test_a_rule_without_criteria_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"rules\.toml:3: lead\.1\.when: must have at least 1 item"):
        load(tmp_path, '[[lead]]\nname = "x"\nwhen = []\npoints = 1\n')


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.toml: No such file.*ENGAGE_RULES_FILE"):
        load_rules(tmp_path / "nowhere.toml")


def test_a_file_that_is_not_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match=r"rules\.toml: is not UTF-8 text"):
        load_rules(tmp_path / "rules.toml")


def test_rules_survive_the_way_into_settings_and_back(tmp_path: Path) -> None:
    rules = load(tmp_path, SMALL)
    assert from_text(to_text(rules)) == rules


def test_rules_do_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        DEFAULT_RULES.churn.population_gap_days = 1


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("half_point = 40", "half_point = 41", "score.half_point: 41.0, not 40.0"),
        ("daily_cap = 20", "daily_cap = 2", "score.weights.page_viewed.daily_cap: 2, not 20"),
        ("page_viewed = { p", "video_seen = { p", "score.weights.video_seen.points: 1.0, not nothing"),
        ('value = "/pricing"', 'value = "/prices"', "lead.1.when.1.value: '/prices', not '/pricing'"),
        ("28.5", "28", "churn.population_gap_days: 28.0, not 28.5"),
    ],
)
def test_the_first_difference_is_named(tmp_path: Path, old: str, new: str, says: str) -> None:
    rules, other = load(tmp_path, SMALL), load(tmp_path, SMALL.replace(old, new, 1))
    assert first_difference(other, rules) == says
    assert first_difference(rules, rules) is None
