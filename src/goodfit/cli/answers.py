"""What a verb answers, as lines for a person: (text, style) pairs, made here and printed by the console."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from pathlib import Path
from typing import Any
from unicodedata import east_asian_width

from ..core.duration import show_seconds
from ..core.errors import printable
from ..core.telling import known, show_finding, show_number, show_score, words

Lines = list[tuple[str, str]]
STYLES = {"info": "cyan", "warning": "yellow", "problem": "bold red"}
SCORE = {"value", "low", "high", "n"}
LISTED = 20  # names shown of a long list; `--json` holds them all


def study_lines(result: Mapping[str, Any], findings: Iterable[Any], budget: float | None, lang: str) -> Lines:
    """The end of a verb that trains: task, scores, time, where model and report lie, what to do next."""
    metric = str(result.get("primary"))
    rows = [(_name(key, lang), printable(result[key])) for key in ("task", "family") if result.get(key)]
    rows += [
        (_name(part, lang), show_score(metric, result[part], lang, bool(result.get("is_share"))))
        for part in ("val", "test")
        if result.get(part)
    ]
    if result.get("seconds") is not None:
        of = f" / {show_seconds(budget)}" if budget is not None else ""
        rows.append((_name("time", lang), show_seconds(result["seconds"]) + of))
    rows += [(_name(key, lang), str(result[key])) for key in ("model", "report") if result.get(key)]
    lines = [("", ""), *table(rows)]
    lines += [(f"  {f.code}  {show_finding(f, lang)[0]}", STYLES.get(f.severity, "")) for f in findings]
    if result.get("model"):
        lines += [("", ""), (words("cli.next", lang, model=result["model"]), "dim")]
    return lines


def audit_lines(answer: Mapping[str, Any], lang: str) -> Lines:
    """What the audit counted; its findings were told as they were met."""
    lines: Lines = [("", "")]
    pictures = answer.get("picture_counts") or {}
    for part, counts in answer.get("class_counts", {}).items():
        title, shown = _name("box_counts" if pictures else "class_counts", lang), pictures.get(part, {})
        lines.append((f"  {title} {_part(part, lang)}".rstrip(), "bold"))
        more = {name: f" ({m:,})" for name, m in shown.items()}
        lines += table([(printable(name, 60), f"{n:,}{more.get(name, '')}") for name, n in counts.items()], 4)
    for key in ("quarantined", "duplicates", "conflicts", "leaks"):
        items = answer.get(key, [])
        lines.append((f"  {_name(key, lang)}  {len(items):,}", "bold" if items else ""))
        lines += [(f"    {_joined(item)}", "dim") for item in items[:LISTED]]
        if len(items) > LISTED:
            lines.append((f"    … {words('cli.more', lang, n=len(items) - LISTED)}", "dim"))
    rows = [(_name(key, lang), str(answer[key])) for key in ("findings_file", "page") if answer.get(key)]
    if cleaned := answer.get("cleaned"):
        reasons = {**cleaned["reasons"], **({"relabelled": n} if (n := cleaned["relabelled"]) else {})}
        left_out = ", ".join(f"{why} {n:,}" for why, n in reasons.items())
        rows += [(_name("cleaned", lang), cleaned["path"]), (_name("left_out", lang), left_out or "0")]
    return [*lines, ("", ""), *table(rows)]


def plan_lines(answer: Mapping[str, Any], lang: str) -> Lines:
    """Candidates with their costs, then every key with its value and the reason for it."""
    lines: Lines = [("", ""), (_name("candidates", lang), "bold")]
    lines += [
        (f"  {_candidate(row, lang)}", "" if row.get("fits", True) and row.get("keeps_limits", True) else "dim")
        for row in answer.get("candidates", [])
    ]
    reasons = {reason["key"]: reason for reason in answer.get("reasons", [])}
    rows = [
        (key, f"{printable(value, 60)}" + (f"   {_why(reasons[key], lang)}" if key in reasons else ""))
        for key, value in answer.get("recipe", {}).items()
    ]
    return [*lines, ("", ""), (_name("recipe", lang), "bold"), *table(rows)]


def scene_lines(answer: Mapping[str, Any], lang: str) -> Lines:
    """Each operation with its verdict and the reason, then what follows for the plan."""
    lines: Lines = [("", "")]
    for row in answer["operations"]:
        title = words(f"scene.op.{row['name']}", lang) if known(f"scene.op.{row['name']}") else printable(row["name"])
        style = {"refused": "red", "advised": "green"}.get(row["verdict"], "")
        lines.append((f"  {words('scene.verdict.' + row['verdict'], lang)} · {title}", style))
        lines.append((f"     {words('scene.why.' + row['why'], lang, **row['numbers'])}", "dim"))
    rows = [(f"augment.{key}", printable(value)) for key, value in answer["changes"].items()]
    rows += [(_name("page", lang), answer["page"])]
    return [*lines, ("", ""), *table(rows)]


def prediction_lines(answer: Mapping[str, Any]) -> list[str]:
    """The input, then label and probability, or the value; a line more for each box."""
    name = printable(answer.get("input", ""), 200)
    if answer.get("probability") is not None and "label" in answer:
        return [f"{name}  {printable(answer['label'])}  {100 * answer['probability']:.1f} %"]
    if isinstance(answer.get("boxes"), list):
        return [f"{name}  {len(answer['boxes'])}", *(f"    {_box(box)}" for box in answer["boxes"])]
    rest = {key: value for key, value in answer.items() if key != "input"}
    return [f"{name}  " + "  ".join(f"{key} {_short(value) or printable(value)}" for key, value in rest.items())]


def _box(box: Mapping[str, Any]) -> str:
    """A thing found: its label, how sure, and its corners in pixels."""
    corners = ", ".join(f"{corner:g}" for corner in box["box"])
    return f"{printable(box['label'], 60)}  {100 * box['probability']:.1f} %  ({corners})"


def tree_lines(tree: Mapping[str, Any], lang: str, indent: int = 2, shares: Set[str] = frozenset()) -> Lines:
    """Any nested answer, readable: short values in a table, deeper ones under their name, findings in words.

    Args:
        tree: the answer.
        lang: en or zh.
        indent: spaces before each line.
        shares: metrics that are shown as per cent.
    """
    metric = str(tree.get("primary", ""))
    flat = {key: _leaf(key, value, metric, lang, shares) for key, value in tree.items()}
    lines = table([(_name(key, lang), text) for key, text in flat.items() if text is not None], indent)
    for key, value in tree.items():
        if flat[key] is None:
            lines.append((" " * indent + _name(key, lang), "bold"))
            items = value if isinstance(value, list | tuple) else [value]
            for item in items[:LISTED]:
                lines += _branch(item, lang, indent + 2, shares)
            if len(items) > LISTED:
                lines.append((" " * (indent + 2) + "… " + words("cli.more", lang, n=len(items) - LISTED), "dim"))
    return lines


def finding_lines(finding: Any, lang: str, indent: int = 5) -> Lines:
    """A finding: code and title, then body and advice."""
    title, body, advice = show_finding(finding, lang)
    lines = [(f"{' ' * indent}! {finding.code}  {title}", STYLES.get(finding.severity, ""))]
    return lines + [(" " * (indent + 2) + text, "dim") for text in (body, advice) if text]


def table(rows: Sequence[tuple[str, str]], indent: int = 2) -> Lines:
    """Two aligned columns; wide (Chinese) letters count as two."""
    wide = max((_width(name) for name, _ in rows), default=0)
    return [
        (" " * indent + name + " " * (wide - _width(name) + 2) + printable(value, 1000), "") for name, value in rows
    ]


def _branch(item: Any, lang: str, indent: int, shares: Set[str]) -> Lines:
    if isinstance(item, Mapping) and {"code", "severity", "numbers"} <= set(item):
        from ..core.finding import Finding

        return finding_lines(Finding.from_json(item), lang, indent)
    if isinstance(item, Mapping):
        return tree_lines(item, lang, indent, shares)
    return [(" " * indent + printable(item), "")]


def _leaf(key: str, value: Any, metric: str, lang: str, shares: Set[str]) -> str | None:
    if not (isinstance(value, Mapping) and set(value) == SCORE):
        return _short(value)
    if key in ("val", "test"):
        return show_score(metric, value, lang, metric in shares)
    return show_score(key, value, lang, key in shares).removeprefix(f"{key} ")


def _short(value: Any) -> str | None:
    if value is None or (isinstance(value, Mapping | list | tuple) and not value):
        return "–"
    if isinstance(value, float):
        return show_number(value)
    if isinstance(value, bool | int | str | Path):
        return str(value)
    if isinstance(value, list | tuple) and all(isinstance(v, str | int | float | bool) for v in value):
        text = ", ".join(str(v) for v in value)
        return text if len(text) <= 200 else None
    return None


def _candidate(row: Mapping[str, Any], lang: str) -> str:
    cells = [printable(row.get("rung", ""), 40)]
    if row.get("seconds") is not None:
        cells.append(show_seconds(row["seconds"]))
    for key, scale in (("parameters", 1e6), ("latency_ms", 1.0), ("memory_mb", 1.0)):
        if row.get(key) is not None:
            cells.append(words(f"cli.cost.{key}", lang, n=f"{row[key] / scale:.3g}"))
    for key in ("small_data", "transferability", "interpretability"):
        if row.get(key) is not None:
            cells.append(words(f"cli.trait.{key}", lang, grade=words(f"cli.grade.{row[key]}", lang)))
    if row.get("augmentation"):
        kinds = ", ".join(words(f"cli.kind.{kind}", lang) for kind in row["augmentation"])
        cells.append(words("cli.trait.augmentation", lang, kinds=kinds))
    if not row.get("fits_memory", True):
        cells.append(words("cli.over_memory", lang))
    if not row.get("fits", True):
        cells.append(words("cli.over_budget", lang))
    if not row.get("keeps_limits", True):
        cells.append(words("cli.over_limits", lang))
    return " · ".join(cells)


def _why(reason: Mapping[str, Any], lang: str) -> str:
    values = {"value": reason.get("value"), **(reason.get("numbers") or {})}
    why = str(reason.get("why", ""))
    return words(f"plan.{why}" if known(f"plan.{why}") else why, lang, **values)


def _name(key: str, lang: str) -> str:
    return words(f"cli.row.{key}", lang) if known(f"cli.row.{key}") else printable(key)


def _part(part: str, lang: str) -> str:
    return words(f"cli.part.{part}", lang) if known(f"cli.part.{part}") else printable(part)


def _joined(item: Any) -> str:
    if isinstance(item, Mapping):
        return "  ".join(printable(value, 120) for value in item.values())
    if isinstance(item, list | tuple):
        shown = " = ".join(printable(value, 80) for value in item[:4])
        return shown + (" …" if len(item) > 4 else "")
    return printable(item)


def _width(text: str) -> int:
    return sum(2 if east_asian_width(c) in "WF" else 1 for c in text)
