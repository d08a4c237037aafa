"""Promise against reality: twelve `goodfit fit` with budgets from 1 to 10 minutes on three data sets."""

from __future__ import annotations

from _data import cifar_subset, folder
from _fit import fit
from _rows import Row, book, parser
from _tables import grouped, percent, spread, table

TITLE = "Budgets: promise against reality"
MINUTES = (1, 2, 5, 10)
SETS = ("digits", "hymenoptera", "cifar10_5000")
KEPT = 1.10  # a budget counts as kept up to here


def main() -> None:
    """Measure."""
    flags = parser("budget", __doc__)
    flags.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    flags.add_argument("--minutes", type=float, nargs="+", default=list(MINUTES))
    asked = flags.parse_args()
    rows = book("budget", asked)
    plan = [(1.0, "digits")] if asked.smoke else [(m, s) for m in asked.minutes for s in asked.sets]
    for minutes, name in plan:
        trial = {"data": name, "minutes": float(minutes), "seed": 0}
        rows.measure(trial, lambda name=name, minutes=minutes: _kept(name, 60 * minutes, asked.smoke))


def _kept(name: str, budget: float, smoke: bool) -> dict[str, object]:
    cwd = None
    if name == "digits":
        words = ["digits"]
    elif name == "hymenoptera":
        words, cwd = ["hymenoptera", "data.test=hymenoptera/val"], folder("hymenoptera").parent
    else:
        words = [str(cifar_subset(30, 20) if smoke else folder("cifar10")), "data.limit=5000"]
    found = fit([*words, "--budget", f"{budget:g}s"], cwd=cwd)
    return {**found, "asked": budget, "share": round(found["seconds"] / budget, 4)}


def draw(rows: list[Row]) -> str:
    """The section of BENCHMARKS.md."""
    key = lambda r: (r["machine"], r["commit"], r["trial"]["data"], r["trial"]["minutes"])  # noqa: E731
    lines = [
        [machine, commit, name, f"{minutes:g} min"]
        + [spread([r["result"]["seconds"] for r in group], "{:.0f} s".format)]
        + [spread([r["result"]["share"] for r in group]), spread([r["result"]["test"] for r in group], percent)]
        + ["yes" if max(r["result"]["share"] for r in group) <= KEPT else "**no**"]
        for (machine, commit, name, minutes), group in grouped(rows, key).items()
    ]
    broken = sum(r["result"]["share"] > KEPT for r in rows)
    note = (
        f"{len(rows)} runs, {len(rows) - broken} of them within 1.1 times the budget. Cold caches, the whole command."
    )
    heads = ["machine", "commit", "data", "promise", "reality", "share", "test accuracy", "kept"]
    return f"`goodfit fit DATA --budget ...`: {note}\n\n" + table(heads, lines)


if __name__ == "__main__":
    main()
