"""`goodfit fit digits`: seconds and test accuracy of three seeds."""

from __future__ import annotations

from _fit import fit
from _rows import Row, book, parser
from _tables import by_machine, judged, percent, seconds, spread, table, values, verdict

TITLE = "Handwritten digits, one command"
LEAST, MOST_SECONDS = 0.98, 120.0


def main() -> None:
    """Measure."""
    flags = parser("digits", __doc__)
    flags.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    asked = flags.parse_args()
    rows = book("digits", asked)
    extra = ["--budget", "60s"] if asked.smoke else []
    for seed in asked.seeds[: 1 if asked.smoke else None]:
        rows.measure({"seed": seed}, lambda seed=seed: fit(["digits", "--seed", str(seed), *extra]))


def draw(rows: list[Row]) -> str:
    """The section of BENCHMARKS.md."""
    lines = []
    for (machine, version), group in by_machine(rows).items():
        test, took = values(group, "test"), values(group, "seconds")
        fast = max(took) < MOST_SECONDS if len(took) >= 3 else None
        said = verdict(judged(test, LEAST), ">= 98 %"), verdict(fast, "each < 120 s")
        lines.append([machine, version, len(group), spread(test, percent), spread(took, seconds), "; ".join(said)])
    heads = ["machine", "goodfit", "n (seeds)", "test accuracy, median [range]", "wall clock", "must"]
    return "`goodfit fit digits --seed k --json`, cold caches, whole process.\n\n" + table(heads, lines)


if __name__ == "__main__":
    main()
