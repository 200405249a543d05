"""`python -m tests.fuzz.run --target decode --seconds 60 --inputs 1000000`: fuzz one target.

Ends after so many seconds or inputs, whichever comes first, and prints inputs, inputs per second and
crashes. An input that a target does not take is written to `tests/fuzz/crashes/`, and the status is 1.
With atheris (`pip install atheris`; Linux, some versions of Python) the fuzzing is guided by coverage.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import re
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import Final, NamedTuple

from tests.fuzz.mutation import WORDS, mutants
from tests.fuzz.targets import CORPUS, MAX_INPUT_BYTES, TARGETS, seeds

CRASHES: Final = Path(__file__).parent / "crashes"
ENGINES: Final = ("atheris", "mutation")
_SLOW_SECONDS: Final = 10
_LOOK_EVERY: Final = 256
_RSS_LIMIT_MB: Final = 1024
_DONE = re.compile(rb"Done (\d+) runs in")
_SO_FAR = re.compile(rb"^#(\d+)\s", re.MULTILINE)


class Report(NamedTuple):
    """What a run did. `crash` is the file with the input that ended it."""

    inputs: int
    seconds: float
    crash: Path | None

    def __str__(self) -> str:
        per_second = self.inputs / self.seconds if self.seconds else 0
        crashes = f"1 crash: {self.crash}" if self.crash else "0 crashes"
        return f"{self.inputs} inputs in {self.seconds:.1f} s ({per_second:.0f} inputs/s), {crashes}"


def has_atheris() -> bool:
    return importlib.util.find_spec("atheris") is not None


def fuzz(target: str, seconds: float, inputs: int, seed: int, engine: str) -> Report:
    """Fuzz until `seconds` or `inputs` (0: no limit) are over, or until an input crashes."""
    run = _with_atheris if engine == "atheris" else _with_mutation
    return run(target, seconds, inputs, seed)


def _with_mutation(target: str, seconds: float, inputs: int, seed: int) -> Report:
    run, started, count = TARGETS[target], time.monotonic(), 0
    for data in mutants(seeds(target), WORDS[target], seed, MAX_INPUT_BYTES):
        if inputs and count >= inputs:
            break
        if count % _LOOK_EVERY == 0 and time.monotonic() - started >= seconds:
            break
        count += 1
        try:
            run(data)
        except Exception:
            traceback.print_exc()
            return Report(count, time.monotonic() - started, _keep(target, data))
    return Report(count, time.monotonic() - started, None)


def _keep(target: str, data: bytes) -> Path:
    CRASHES.mkdir(exist_ok=True)
    path = CRASHES / f"{target}-{hashlib.sha1(data, usedforsecurity=False).hexdigest()}"
    path.write_bytes(data)
    return path


def _with_atheris(target: str, seconds: float, inputs: int, seed: int) -> Report:
    """In a process of its own: libFuzzer ends the process when it is done."""
    before = set(CRASHES.glob(f"{target}-*"))
    with tempfile.TemporaryDirectory() as scratch:
        words = Path(scratch) / "words"
        words.write_bytes(b"".join(b'"%b"\n' % _escaped(word) for word in WORDS[target]))
        found = Path(scratch) / "found"
        found.mkdir()
        CRASHES.mkdir(exist_ok=True)
        options = {
            "dict": words,
            "artifact_prefix": f"{CRASHES}/{target}-",
            "max_len": MAX_INPUT_BYTES,
            "max_total_time": max(1, round(seconds)),
            "runs": inputs or -1,
            "seed": seed,
            "timeout": _SLOW_SECONDS,
            "rss_limit_mb": _RSS_LIMIT_MB,
        }
        command = [sys.executable, "-m", "tests.fuzz.guided", target]
        command += [f"-{name}={value}" for name, value in options.items()]
        started = time.monotonic()
        ended = subprocess.run(
            [*command, str(found), str(CORPUS / target)], stderr=subprocess.PIPE, check=False
        )
    new = sorted(set(CRASHES.glob(f"{target}-*")) - before)
    if ended.returncode or new:
        sys.stderr.buffer.write(ended.stderr[-20_000:])
    if ended.returncode and not new:
        raise SystemExit(f"the fuzzer itself failed with status {ended.returncode}")
    counts = _DONE.findall(ended.stderr) or _SO_FAR.findall(ended.stderr) or [b"0"]
    return Report(int(counts[-1]), time.monotonic() - started, new[0] if new else None)


def _escaped(word: bytes) -> bytes:
    return b"".join(b"\\x%02x" % byte for byte in word)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.run", description=__doc__)
    parser.add_argument("--target", choices=sorted(TARGETS), required=True)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--inputs", type=int, default=0, help="0: as many as there is time for")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--engine", choices=ENGINES, default=ENGINES[not has_atheris()])
    options = parser.parse_args()
    report = fuzz(options.target, options.seconds, options.inputs, options.seed, options.engine)
    print(f"{options.target} ({options.engine}): {report}", flush=True)
    return 1 if report.crash else 0


if __name__ == "__main__":
    sys.exit(main())
