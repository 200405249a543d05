"""`python -m tests.bench.plots`: one PNG per CSV in results/, with the bars that hold."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tests.bench.measurements import RESULTS, as_command

Rows = Sequence[Mapping[str, str]]

_SIZE_INCHES: Final = (10, 4.5)
_DOTS_PER_INCH: Final = 120


def main() -> None:
    """Draw every CSV that is there."""
    for image in draw_all(RESULTS):
        print(f"drawn: {image}")


def draw_all(directory: Path) -> list[Path]:
    """The images, each beside its CSV; a CSV that is missing is left out."""
    paths = {directory / f"{name}.csv": draw for name, draw in _DRAWINGS.items()}
    return [_plot(path, draw) for path, draw in paths.items() if path.exists()]


def _plot(path: Path, draw: Callable[[Sequence[Axes], Rows], None]) -> Path:
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    figure = Figure(figsize=_SIZE_INCHES, layout="constrained")
    draw(figure.subplots(1, 2), rows)
    image = path.with_suffix(".png")
    figure.savefig(image, dpi=_DOTS_PER_INCH, metadata={"Software": None})
    return image


def _queries(axes: Sequence[Axes], rows: Rows) -> None:
    lookups = [row for row in rows if not row["query"].startswith("v_activity")]
    days = [row for row in rows if row["query"].startswith("v_activity")]
    for axis, chosen, limit_ms in ((axes[0], lookups, 20), (axes[1], days, 100)):
        labels = [row["query"].replace(": ", ":\n") for row in chosen]
        _grouped_bars(axis, labels, chosen, ("p50_ms", "p95_ms"))
        _limit(axis, limit_ms, f"p95 < {limit_ms} ms")
        axis.set_ylabel("milliseconds over HTTP")
    axes[0].set_title(f"One of {int(rows[0]['customers']):,} customers")
    axes[1].set_title(f"Traffic of a day, of {int(rows[0]['facts']):,} facts")


def _latency(axes: Sequence[Axes], rows: Rows) -> None:
    labels = [f"{row['share_pct']} %" for row in rows]
    _grouped_bars(axes[0], labels, rows, ("p50_s", "p95_s", "p99_s"))
    _limit(axes[0], 1, "p99 < 1 s at 50 %")
    _limit(axes[0], 2, "p99 < 2 s at 80 %")
    axes[0].set(title="Seconds until v_customer_360 shows it", xlabel="share of the capacity")
    _grouped_bars(axes[1], labels, rows, ("offered_per_s", "sent_per_s"))
    axes[1].set(title="Events per second", xlabel="share of the capacity")


def _recovery(axes: Sequence[Axes], rows: Rows) -> None:
    parts = ("starting_s", "joining_s", "recovering_s", "taking_over_s")
    cold = [row for row in rows if row["case"] == "empty disk"]
    warm = [row for row in rows if row["case"] != "empty disk"]
    _stacked_bars(axes[0], [f"{int(row['customers']):,}" for row in cold], cold, parts)
    _limit(axes[0], 30, "1 M customers < 30 s")
    axes[0].set(title="Empty disk", xlabel="customers", ylabel="seconds until it serves")
    labels = [f"{int(row['customers']):,}\n" + row["case"].replace(", ", ",\n") for row in warm]
    _stacked_bars(axes[1], labels, warm, parts)
    _limit(axes[1], 5, "warm < 5 s")
    axes[1].set(title="Its own disk, after SIGKILL")
    axes[1].tick_params(axis="x", labelsize=7)


def _growth(axes: Sequence[Axes], rows: Rows) -> None:
    alone = [row for row in rows if row["workers"] == "1"]
    for activity in dict.fromkeys(row["activity"] for row in alone):
        chosen = [row for row in alone if row["activity"] == activity]
        costs = [float(row["cpu_s_per_million"]) for row in chosen]
        axes[0].plot([int(row["customers"]) for row in chosen], costs, "o-", label=activity)
    _limit(axes[0], 1.3 * float(alone[0]["cpu_s_per_million"]), f"1.3 × the first, {alone[0]['activity']}")
    axes[0].set(title="One worker", xlabel="customers", xscale="log", ylim=0)
    axes[0].set_ylabel("CPU seconds per million events")
    shared = [row for row in rows if row["customers"] == "100000"]
    labels = [f"{row['workers']}\n{row['activity']}" for row in shared]
    _grouped_bars(axes[1], labels, shared, ("cpu_s_per_million",))
    axes[1].set(title="100,000 customers", xlabel="workers", ylabel="CPU seconds per million events")


_DRAWINGS: Final = {"queries": _queries, "latency": _latency, "recovery": _recovery, "growth": _growth}


def _grouped_bars(axis: Axes, labels: Sequence[str], rows: Rows, fields: Sequence[str]) -> None:
    width = 0.8 / len(fields)
    for number, field in enumerate(fields):
        places = [index + (number - (len(fields) - 1) / 2) * width for index in range(len(rows))]
        axis.bar(places, [float(row[field]) for row in rows], width, label=_name(field))
    axis.set_xticks(range(len(rows)), labels)
    axis.legend()


def _stacked_bars(axis: Axes, labels: Sequence[str], rows: Rows, fields: Sequence[str]) -> None:
    bottoms = [0.0] * len(rows)
    for field in fields:
        heights = [float(row[field]) for row in rows]
        axis.bar(range(len(rows)), heights, 0.6, bottom=bottoms, label=_name(field))
        bottoms = [bottom + height for bottom, height in zip(bottoms, heights, strict=True)]
    axis.set_xticks(range(len(rows)), labels)
    axis.legend()


def _limit(axis: Axes, value: float, label: str) -> None:
    axis.axhline(value, color="grey", linestyle="--", linewidth=1, label=label)
    axis.legend()


def _name(field: str) -> str:
    """The heading of a column."""
    return field.replace("_", " ")


if __name__ == "__main__":
    as_command(main)
