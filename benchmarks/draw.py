"""Draw BENCHMARKS.md from every row in `rows/`; nothing is measured here."""

from __future__ import annotations

import importlib
import string
from collections.abc import Iterable
from pathlib import Path

from _rows import BF16_WORTH, HERE, ROWS, Row, identity, read
from _tables import table

PAGE = HERE.parent / "BENCHMARKS.md"
SECTIONS = (
    "digits", "cifar10", "refit", "transfer", "texts", "text_trainer", "tables", "detection", "budget", "equal_budgets",
    "dirty", "label_noise", "long_tail", "negatives", "scene", "augment_speed", "audit_speed", "engine_speed",
    "detection_speed", "resnet18_script", "rivals", "kills", "faults",
)  # fmt: skip


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(ROWS), "utf-8")
    print(f"wrote {PAGE}")


def page(folder: Path) -> str:
    """The page as Markdown.

    Args:
        folder: of JSON lines files; toy rows are left out.
    """
    tables = {name: [r for r in read(folder / f"{name}.jsonl") if not r["smoke"]] for name in SECTIONS}
    everything = [row for rows in tables.values() for row in rows]
    letters = _letters(everything)
    for row in everything:
        row["machine"] = letters[identity(row["hardware"])]
    parts = [_HEAD, _machines(everything)]
    for name, rows in tables.items():
        module = importlib.import_module(name)
        body = module.draw(rows) if rows else "Not measured yet."
        parts.append(f"## {module.TITLE}\n\n{body}\n\n{_source(name, rows)}")
    return "\n\n".join(parts) + "\n"


_HEAD = """# Benchmarks

<!-- drawn by `python benchmarks/draw.py` from benchmarks/rows/*.jsonl; change those, not this page -->

Every figure is drawn from rows that the scripts of `benchmarks/` appended, one a trial, with hardware, date and
command; each script is one command and goes on where it was left. `n` is the number of trials; where there are several,
the median stands first and the range in brackets. What was too slow to finish is labelled *extrapolated*."""


def _letters(rows: Iterable[Row]) -> dict[tuple[object, ...], str]:
    seen = list(dict.fromkeys(identity(row["hardware"]) for row in rows))
    return {who: string.ascii_uppercase[i % 26] * (i // 26 + 1) for i, who in enumerate(seen)}


def _machines(rows: list[Row]) -> str:
    """What the letters stand for, and whether bf16 is really faster there."""
    if not rows:
        return "No rows yet."
    lines = []
    for letter in sorted({row["machine"] for row in rows}):
        mine = [row for row in rows if row["machine"] == letter]
        here = mine[-1]["hardware"]
        gains = sorted(row["hardware"]["bf16_speedup"] for row in mine)
        gain = gains[len(gains) // 2]
        bf16 = f"{'yes' if gain >= BF16_WORTH else 'no'}, {gain:.2f}x [{gains[0]:.2f}-{gains[-1]:.2f}]"
        name = here["processor"] + (f", {here['accelerator']}" if here.get("accelerator") else "")
        torch = ", ".join(sorted({str(row["hardware"]["torch"]) for row in mine}))
        lines.append([letter, name, " ".join(here["flags"]), here["cores"], here["memory_gb"], torch, bf16, len(mine)])
    heads = ["machine", "processor", "instructions", "cores", "memory GB", "torch", "bf16 really faster", "rows"]
    note = (
        "*bf16 really faster* is measured on the processor with a 3x3 convolution, forward and backward, at each start "
        "of a script: some processors list the instructions and gain nothing."
    )
    return "## Machines\n\n" + table(heads, lines) + "\n\n" + note


def _source(name: str, rows: list[Row]) -> str:
    """Where the section comes from, how to repeat it, and how busy the machine was."""
    if not rows:
        return f"`python benchmarks/{name}.py`"
    dates = sorted(row["date"][:10] for row in rows)
    loads = [row["load_before"] for row in rows if row["load_before"] is not None]
    busy = f"; load average before a trial up to {max(loads):.1f}" if loads else ""
    commands = ", ".join(f"`{c}`" for c in dict.fromkeys(row["command"] for row in rows))
    when = dates[0] if dates[0] == dates[-1] else f"{dates[0]} to {dates[-1]}"
    return f"{len(rows)} rows in `benchmarks/rows/{name}.jsonl`, {when}{busy}. By {commands}."


if __name__ == "__main__":
    main()
