"""Lists the licences of all that the product needs at run time; fails on one that is not on the list below.

Tools for development are left out: they are not handed on. `make licences` runs it.
"""

from __future__ import annotations

import re
import sys
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Final, NamedTuple

from packaging.requirements import Requirement

ROOT: Final = "engagement-streams"
EXTRAS: Final = ("collector", "embedded")

#: Copies of other people's files that are part of the product.
VENDOR: Final = Path(__file__).parents[1] / "streams" / "dashboard" / "static" / "vendor"

#: May be handed on with an Apache-2.0 program. MPL-2.0 asks for changes to its own files only.
ALLOWED: Final = frozenset(
    {
        *("0BSD", "BSD", "BSD-2-Clause", "BSD-3-Clause", "BSD-derived (Repoze)", "ISC", "MIT", "Zlib"),
        *("Apache-2.0", "CC0-1.0", "MPL-2.0", "PSF-2.0"),
    }
)

#: As older packages write them, in lower case.
_SPDX: Final = {
    "apache software license": "Apache-2.0",
    "apache license, version 2.0": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache 2.0": "Apache-2.0",
    "apache 2": "Apache-2.0",
    "apache": "Apache-2.0",
    "bsd license": "BSD",
    "isc license (iscl)": "ISC",
    "mit license": "MIT",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
    "python software foundation license": "PSF-2.0",
}


def needed(root: str = ROOT, extras: tuple[str, ...] = EXTRAS) -> dict[str, Distribution]:
    """All installed packages that these extras of `root` draw in here, by name; `root` is left out."""
    found: dict[str, Distribution] = {}
    waiting, seen = [(root, frozenset(extras))], set()
    while waiting:
        name, wanted = waiting.pop()
        if (name, wanted) in seen:
            continue
        seen.add((name, wanted))
        try:
            found[name] = distribution(name)
        except PackageNotFoundError:
            sys.exit(f"{name} is not installed: run `make setup`")
        for text in found[name].requires or ():
            requirement = Requirement(text)
            marker = requirement.marker
            if marker is None or any(marker.evaluate({"extra": extra}) for extra in (*wanted, "")):
                waiting.append((normal(requirement.name), frozenset(requirement.extras)))
    del found[root]
    return found


def licences(package: Distribution) -> set[str]:
    """What a package says of itself, as SPDX ids, `OR` read as `AND`; `unknown` if it says nothing."""
    metadata = package.metadata
    expression = metadata.get("License-Expression")
    if expression:
        return set(re.split(r"\s+(?:AND|OR)\s+", re.sub(r"[()]", "", expression)))
    classifiers = metadata.get_all("Classifier") or []
    named = [
        line.rpartition(" :: ")[2] for line in classifiers if line.startswith("License :: OSI Approved ::")
    ]
    named = named or [(metadata.get("License") or "unknown").strip().partition("\n")[0]]
    return {_SPDX.get(text.lower(), text) for text in named}


class Vendored(NamedTuple):
    """As the first line of its README.md says: `name version (licence, …`; its licence is in LICENSE."""

    name: str
    version: str
    licence: str


def vendored() -> list[Vendored]:
    """All copies below `VENDOR`.

    Raises:
        SystemExit: one of them does not say what it is, or its licence is not there.
    """
    found = []
    for directory in sorted(VENDOR.iterdir()):
        readme = directory.joinpath("README.md").read_text("utf-8")
        said = re.match(r"(?P<name>\S+) (?P<version>\S+) \((?P<licence>[\w.-]+)", readme)
        if said is None or not directory.joinpath("LICENSE").is_file():
            sys.exit(
                f"{directory.name}: README.md must begin with `name version (licence`, LICENSE must be there"
            )
        found.append(Vendored(**said.groupdict()))
    return found


def normal(name: str) -> str:
    """A package's name as indices compare them."""
    return re.sub(r"[-_.]+", "-", name).lower()


def main() -> int:
    """Print the list; returns the exit status."""
    refused = []
    for name, package in sorted(needed().items()):
        said = licences(package)
        print(f"{name:32} {package.version:16} {', '.join(sorted(said))}")
        if not said <= ALLOWED:
            refused.append(f"{name}: {', '.join(sorted(said - ALLOWED))}")
    for name_, version, licence in vendored():
        print(f"{name_:32} {version:16} {licence}")
        if licence not in ALLOWED:
            refused.append(f"{name_}: {licence}")
    for line in refused:
        print(f"not on the list of tests/licences.py: {line}", file=sys.stderr)
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main())
