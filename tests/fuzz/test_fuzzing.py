"""The corpus again, and some seconds of new input: FUZZ_SECONDS for each target, 8 unless it is set."""

from __future__ import annotations

import os
from itertools import islice
from pathlib import Path

import pytest

from tests.fuzz.mutation import WORDS, mutants
from tests.fuzz.run import ENGINES, fuzz, has_atheris
from tests.fuzz.targets import CORPUS, MAX_INPUT_BYTES, TARGETS, fuzz_decode, seeds

SECONDS = float(os.environ.get("FUZZ_SECONDS", "8"))
SEED = int(os.environ.get("FUZZ_SEED", "1"))


@pytest.mark.parametrize(
    "path", sorted(CORPUS.glob("*/*")), ids=lambda path: f"{path.parent.name}-{path.name}"
)
def test_every_file_of_the_corpus_is_taken(path: Path) -> None:
    assert path.stat().st_size <= MAX_INPUT_BYTES
    TARGETS[path.parent.name](path.read_bytes())


def test_the_corpus_is_small_enough_for_git() -> None:
    assert 50 < len(list(CORPUS.glob("*/*"))) < 100


@pytest.mark.slow
@pytest.mark.timeout(60 + 3 * SECONDS)
@pytest.mark.parametrize("target", sorted(TARGETS))
def test_no_input_brings_down(target: str) -> None:
    engine = ENGINES[not has_atheris()]
    report = fuzz(target, SECONDS, inputs=0, seed=SEED, engine=engine)
    print(f"{target} ({engine}): {report}")
    assert report.crash is None, str(report)
    assert report.inputs > 100


@pytest.mark.parametrize("target", sorted(TARGETS))
def test_mutants_are_many_and_follow_from_the_seed(target: str) -> None:
    first, again, other = (
        list(islice(mutants(seeds(target), WORDS[target], seed, MAX_INPUT_BYTES), 500)) for seed in (1, 1, 2)
    )
    assert first == again != other
    assert len(set(first)) > 400


def test_an_input_that_is_not_taken_is_kept_and_reported(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def defect(data: bytes) -> None:
        if b"\xff" in data:
            raise KeyError("x")
        fuzz_decode(data)

    monkeypatch.setitem(TARGETS, "decode", defect)
    monkeypatch.setattr("tests.fuzz.run.CRASHES", tmp_path / "crashes")
    report = fuzz("decode", seconds=30, inputs=100_000, seed=1, engine="mutation")
    assert report.crash is not None
    assert b"\xff" in report.crash.read_bytes()
    assert "KeyError" in capsys.readouterr().err
    assert str(report).endswith(f"1 crash: {report.crash}")
