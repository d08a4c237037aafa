"""Telling a person what happens: events flow to whoever listens, and one function turns them into plain sentences."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from .duration import show_seconds
from .errors import printable
from .messages import texts

if TYPE_CHECKING:  # a listener needs no pydantic, so that `goodfit --help` is instant
    from .experiment import Arm, Experiment
    from .finding import Finding


class Tell(Protocol):
    """Hears what happens while a verb works.

    Events: `note(key, **values)` a sentence of the catalogues; `stage(name)` a new part of the work;
    `data(guess)` what the data were taken for (format, task, target, classes, counts, samples); `split(counts, how)`;
    `progress(what, done, total, unit)`;
    `epoch(run, epoch, epochs, loss, select, metric, is_share, lr, eta, budget_left)`; `decision(line)` a line of the
    ledger; `finding(finding)`; `experiment(experiment, is_share)` weighed; `score(part, metric, is_share, value, low,
    high, n)`; `saved(path)`. `is_share` is the metric's own: shown as per cent; absent = a plain number.
    """

    def __call__(self, event: str, /, **values: Any) -> None: ...


def silent(event: str, /, **values: Any) -> None:
    """Hears everything, says nothing."""


def tell_all(*listeners: Tell) -> Tell:
    """One listener that passes each event on to several."""

    def tell(event: str, /, **values: Any) -> None:
        for listener in listeners:
            listener(event, **values)

    return tell


def log_to(path: Path, lang: str = "en") -> Tell:
    """A listener that appends one plain line an event to a file (log.txt of a study); progress is left out."""

    def tell(event: str, /, **values: Any) -> None:
        text = None if event == "progress" else sentence(event, lang, values)
        if text:
            path.parent.mkdir(parents=True, exist_ok=True)
            with open(path, "a", encoding="utf-8") as file:
                file.write(text + "\n")

    return tell


def sentence(event: str, lang: str, values: Mapping[str, Any]) -> str | None:
    """What an event says in one plain line, or None where it has nothing to say.

    Args:
        event: one of `Tell`.
        lang: en or zh.
        values: what came with it; strings from data are made printable.
    """
    make = _SENTENCES.get(event)
    return make(lang, values) if make is not None else None


def words(key: str, lang: str, /, **values: Any) -> str:
    """The sentence under `key`; the bare key and values where it cannot be made, since words must never stop a run."""
    text = texts(lang).get(key) or texts("en").get(key)
    safe = {k: printable(v) if isinstance(v, str | Path) else v for k, v in values.items()}
    if text is not None:
        try:
            return text.format(**safe)
        except (KeyError, ValueError, TypeError, IndexError, AttributeError):
            pass  # shown below as it came
    return " ".join([key, *(f"{k}={printable(v, 80)}" for k, v in safe.items())])


def known(key: str) -> bool:
    """Whether `words` has a text under `key`."""
    return key in texts("en")


def show_number(value: float, sign: str = "") -> str:
    """About four significant digits, thousands separated.

    Args:
        sign: "+" to show it above zero too.
    """
    if 1000 <= abs(value) < 1e15:
        return f"{value:{sign},.0f}"
    return f"{value:{sign}.4g}"


def show_value(value: float | None, is_share: bool) -> str:
    """A metric's value as people read it: shares as per cent, numbers with four significant digits, None as a dash."""
    if value is None or value != value:
        return "–"
    return f"{100 * value:.2f} %" if is_share else show_number(value)


def show_score(metric: str, score: Mapping[str, Any], lang: str, is_share: bool) -> str:
    """`accuracy 98.61 % (95 % interval 97.00 % to 99.50 %, n 360)`."""
    text = f"{metric} {show_value(score.get('value'), is_share)}"
    if score.get("low") is None or score.get("high") is None:
        return text
    low, high = show_value(score["low"], is_share), show_value(score["high"], is_share)
    return f"{text} ({words('cli.interval', lang, low=low, high=high, n=score.get('n'))})"


def show_finding(finding: Finding, lang: str) -> tuple[str, str, str]:
    """(title, body, advice) of a finding; empty where the catalogue has none."""
    values = {"n_ids": len(finding.ids), **finding.numbers}
    keys = [f"finding.{finding.code}.{part}" for part in ("title", "body", "advice")]
    title, body, advice = (words(key, lang, **values) if known(key) else "" for key in keys)
    return title, body, advice


def show_decision(line: Mapping[str, Any], lang: str) -> str:
    """The reason of a decision as the ledger's catalogue words it, else its key and value."""
    why, numbers = str(line.get("why", "")), {"value": line.get("value"), **(line.get("numbers") or {})}
    for key in (why, f"ledger.{why}"):
        if known(key):
            return words(key, lang, **numbers)
    return f"{printable(line.get('key', ''))}: {printable(line.get('value', ''))} {printable(why)}".strip()


def data_rows(guess: Any, lang: str) -> list[tuple[str, str]]:
    """What the data were taken for, as (name, value) rows: format, task, target, classes, counts, five samples."""
    shown = [printable(name, 30) for name in guess.classes[:10]] + (["…"] if len(guess.classes) > 10 else [])
    counts = [f"{words(f'cli.part.{part}', lang) if part else ''} {n:,}".strip() for part, n in guess.counts.items()]
    rows = [
        ("format", printable(guess.format)),
        ("task", printable(guess.task)),
        ("target", printable(guess.target)),
        ("classes", f"{len(guess.classes)}: {', '.join(shown)}" if guess.classes else ""),
        ("counts", ", ".join(counts)),
        *(
            ("" if i else "sample", f"{printable(name, 60)}  ->  {printable(label, 60)}")
            for i, (name, label) in enumerate(guess.samples)
        ),
    ]
    return [(words(f"cli.row.{name}", lang) if name else "", value) for name, value in rows if value]


def show_experiment(experiment: Experiment, lang: str, is_share: bool) -> list[str]:
    """What was compared, then a line an arm: its effect against no change, the interval, the verdict."""
    e = experiment
    head = words("cli.experiment", lang, metric=e.metric, n=e.n, seeds=len(e.seeds), arms=len(e.arms))
    return [head, *(_arm(arm, lang, is_share) for arm in e.arms)]


def epoch_parts(lang: str, values: Mapping[str, Any]) -> list[str]:
    """The cells of an epoch's line, those without a value left out."""
    metric = str(values.get("metric") or "score")
    cells = [printable(values.get("run", ""), 40), f"{words('cli.epoch', lang)} {_count(values)}"]
    if (loss := values.get("loss")) is not None:
        cells.append(f"loss {loss:.4g}")
    if (select := values.get("select")) is not None:
        cells.append(f"{metric} {show_value(select, bool(values.get('is_share')))}")
    if (lr := values.get("lr")) is not None:
        cells.append(f"lr {lr:.2g}")
    if (eta := values.get("eta")) is not None:
        cells.append(words("cli.eta", lang, time=show_seconds(eta)))
    return [cell for cell in cells if cell.strip()]


def _count(values: Mapping[str, Any]) -> str:
    epoch, epochs = values.get("epoch", 0), values.get("epochs")
    return f"{epoch:g}/{epochs:g}" if epochs is not None else f"{epoch:g}"


def _note(lang: str, values: Mapping[str, Any]) -> str:
    return words(values["key"], lang, **{k: v for k, v in values.items() if k != "key"})


def _stage(lang: str, values: Mapping[str, Any]) -> str:
    key = f"cli.stage.{values['name']}"
    return words(key, lang) if known(key) else printable(values["name"])


def _data(lang: str, values: Mapping[str, Any]) -> str:
    return "; ".join(f"{name} {value}".strip() for name, value in data_rows(values["guess"], lang))


def _split(lang: str, values: Mapping[str, Any]) -> str:
    counts = ", ".join(f"{words(f'cli.part.{part}', lang)} {n:,}" for part, n in values["counts"].items())
    return words("cli.split", lang, counts=counts, how=", ".join(values.get("how", ())))


def _progress(lang: str, values: Mapping[str, Any]) -> str:
    what, done, total = str(values.get("what", "")), values.get("done", 0), values.get("total")
    key = f"cli.what.{what}"
    name = words(key, lang) if known(key) else printable(what)
    count = f"{done:,}" if total is None else f"{done:,} / {total:,}"
    return f"{name} {count} {printable(values.get('unit') or '')}".strip()


def _epoch(lang: str, values: Mapping[str, Any]) -> str:
    return " · ".join(epoch_parts(lang, values))


def _decision(lang: str, values: Mapping[str, Any]) -> str:
    return "→ " + show_decision(values["line"], lang)


def _finding(lang: str, values: Mapping[str, Any]) -> str:
    finding: Finding = values["finding"]
    title, body, advice = show_finding(finding, lang)
    return " ".join(part for part in (f"[{finding.code}]", title, body, advice) if part)


def _experiment(lang: str, values: Mapping[str, Any]) -> str:
    return "; ".join(show_experiment(values["experiment"], lang, bool(values.get("is_share"))))


def _arm(arm: Arm, lang: str, is_share: bool) -> str:
    key = f"remedy.{arm.name}"
    name = words(key, lang) if known(key) else printable(arm.name)
    if not arm.values:
        return words("cli.arm.lost", lang, arm=name)
    shown = (arm.effect, arm.low, arm.high)
    effect, low, high = (f"{100 * x:+.2f}" if is_share else show_number(x, "+") for x in shown)
    verdict = words(f"report.verdict.{arm.verdict.replace(' ', '_')}", lang)
    text = "cli.arm.points" if is_share else "cli.arm"
    return words(text, lang, arm=name, effect=effect, low=low, high=high, verdict=verdict)


def _score(lang: str, values: Mapping[str, Any]) -> str:
    part = values.get("part", "")
    key = f"cli.part.{part}"
    name = words(key, lang) if known(key) else printable(part)
    return f"{name}: {show_score(str(values.get('metric', '')), values, lang, bool(values.get('is_share')))}"


def _saved(lang: str, values: Mapping[str, Any]) -> str:
    return words("cli.saved", lang, path=values["path"])


_SENTENCES = {
    "note": _note,
    "stage": _stage,
    "data": _data,
    "split": _split,
    "progress": _progress,
    "epoch": _epoch,
    "decision": _decision,
    "finding": _finding,
    "experiment": _experiment,
    "score": _score,
    "saved": _saved,
}
