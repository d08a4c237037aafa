"""Read a study folder as it lies there, without changing a byte, into one value; what is missing or broken is named."""

from __future__ import annotations

import base64
import binascii
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from markupsafe import Markup

from ..core.errors import GoodfitError, UsageError
from ..core.experiment import Experiment
from ..core.finding import Finding
from ..core.outcome import Predictions, Result, Score
from ..core.recipe import Recipe
from ..core.recipe_yaml import load
from ..core.run import record_from_json
from ..core.samples import TargetKind
from ..core.target_kinds import KINDS
from ..core.task import Reason, Record

BROKEN = (
    OSError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    EOFError,
    zipfile.BadZipFile,
    yaml.YAMLError,
    GoodfitError,
)
SMALL = 64  # pixels; pictures up to here are shown with their pixels, not blurred
IMAGE_KINDS = ((b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"))


@dataclass(frozen=True, kw_only=True)
class Trained:
    """One run as it lies in its folder; parts that are absent are None or empty.

    Attributes:
        id: folder name.
        number: position in the story, from 1; its place on the page is `#run-<number>`.
        folder: where it lies.
        recipe: the resolved recipe that ran.
        reasons: why each resolved value is what it is.
        records: what training said of itself.
        result: None while unfinished.
    """

    id: str
    number: int
    folder: Path
    recipe: Recipe | None
    reasons: tuple[Reason, ...]
    records: tuple[Record, ...]
    result: Result | None

    @property
    def href(self) -> str:
        return f"#run-{self.number}"

    @property
    def history(self) -> list[Record]:
        """Records of finished epochs."""
        return [r for r in self.records if r.kind == "epoch"]

    @property
    def seconds(self) -> float:
        """Training time, from the result or from the last record; NaN where neither says."""
        if self.result is not None and self.result.cost.seconds == self.result.cost.seconds:
            return self.result.cost.seconds
        known = [float(r.cost["seconds"]) for r in self.records if "seconds" in r.cost]
        return max(known) if known else float("nan")

    def score(self, *splits: str) -> Score | None:
        """The leading metric on the first of the splits that has one."""
        for split in splits:
            if self.result is not None and (score := self.result.score(split)) is not None:
                return score
        return None


@dataclass(frozen=True, kw_only=True)
class Story:
    """Everything that a report can tell of.

    Attributes:
        folder: the study.
        about: study.json.
        result: result.json, empty while unfinished.
        lines: the ledger.
        findings: of the study and its runs, each once, gravest first.
        audit: audit.json.
        experiments: in the order in which they were made.
        pictures: sample id -> data URI, or text.
        runs: in the order in which they were told of.
        winner: the run that was chosen, or None.
        final: the run whose model counts: the winner, or its refit on train + val.
        judged: predictions on test, else the winner's on confirm, else on select, or None.
        unread: (file, reason) of every part that is there and cannot be read.
    """

    folder: Path
    about: Mapping[str, Any]
    result: Mapping[str, Any]
    lines: tuple[Mapping[str, Any], ...]
    findings: tuple[Finding, ...]
    audit: Mapping[str, Any]
    experiments: tuple[Experiment, ...]
    pictures: Mapping[str, Picture]
    runs: tuple[Trained, ...]
    winner: Trained | None
    final: Trained | None
    judged: Predictions | None
    unread: tuple[tuple[str, str], ...]

    def events(self, event: str) -> list[Mapping[str, Any]]:
        return [line for line in self.lines if line.get("event") == event]

    def run(self, run_id: str) -> Trained | None:
        return next((r for r in self.runs if r.id == run_id), None)

    @property
    def classes(self) -> list[str]:
        return [str(c) for c in self.about.get("classes") or []]

    @property
    def kind(self) -> TargetKind:
        """Kind of target; class where the study does not tell, or tells one that is not known."""
        told = self.about.get("target_kind")
        return next((kind for kind in KINDS if kind == told), "class")

    @property
    def primary(self) -> str:
        metric = self.result.get("primary") or (
            self.winner.result.primary if self.winner and self.winner.result else ""
        )
        return str(metric or "accuracy")

    def is_share(self, metric: str) -> bool:
        """Whether a metric is a fraction in [0, 1], read as per cent; one that the study does not know is no share."""
        told = self.about.get("metrics")
        facts = told.get(metric) if isinstance(told, Mapping) else None
        return isinstance(facts, Mapping) and facts.get("is_share") is True


@dataclass(frozen=True)
class Picture:
    """A sample as the page can show it: a data URI whose kind and alphabet were checked, or text."""

    uri: Markup = Markup("")
    text: str = ""
    is_small: bool = False


@dataclass
class _Reader:
    """Reads parts of one folder and remembers which could not be read."""

    folder: Path
    unread: list[tuple[str, str]] = field(default_factory=list)

    def part(self, path: Path, parse: Any, default: Any) -> Any:
        """`parse(path)`, or the default where there is no file or it is broken."""
        if not path.exists():
            return default
        try:
            return parse(path)
        except BROKEN as error:
            self.unread.append((str(path.relative_to(self.folder)), f"{type(error).__name__}: {error}"))
            return default


def read(folder: Path) -> Story:
    """The story of a study folder.

    Raises: UsageError if the folder holds no study.
    """
    folder = folder.absolute()
    if not (folder / "study.json").exists():
        raise UsageError(
            "no study lies here", where=folder, allowed="a folder with a study.json", do="name a study folder"
        )
    reader = _Reader(folder)
    about = reader.part(folder / "study.json", _mapping, {})
    result = reader.part(folder / "result.json", _mapping, {})
    experiments = reader.part(folder / "experiments.json", _experiments, ())
    runs = _runs(reader, _told_order(result, experiments))
    winner = _winner(runs, result)
    final = next((r for r in runs if r.id == result.get("final")), winner)
    return Story(
        folder=folder,
        about=about,
        result=result,
        lines=tuple(reader.part(folder / "ledger.jsonl", _lines, [])),
        findings=_findings(reader, runs),
        audit=reader.part(folder / "audit.json", _mapping, {}),
        experiments=experiments,
        pictures=reader.part(folder / "pictures.json", _pictures, {}),
        runs=runs,
        winner=winner,
        final=final,
        judged=_judged(reader, winner, final),
        unread=tuple(reader.unread),
    )


def score_from(tree: Any, metric: str) -> Score | None:
    """A Score from {value, low, high, n} or a bare number; None where there is no finite value."""
    fields = tree if isinstance(tree, Mapping) else {"value": tree}
    value = number(fields.get("value"))
    if value is None:
        return None
    low, high = number(fields.get("low")), number(fields.get("high"))
    nan = float("nan")
    return Score(
        metric=metric,
        value=value,
        low=nan if low is None else low,
        high=nan if high is None else high,
        n=int(number(fields.get("n")) or 0),
    )


def number(value: Any) -> float | None:
    """A finite float, or None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if value - value == 0 else None


def _runs(reader: _Reader, told: Sequence[str]) -> tuple[Trained, ...]:
    folders = [p.parent for p in (reader.folder / "runs").glob("*/plan.yaml")]
    place = {run_id: k for k, run_id in enumerate(told)}
    folders.sort(key=lambda f: (place.get(f.name, len(place)), (f / "plan.yaml").stat().st_mtime, f.name))
    return tuple(_trained(reader, folder, k + 1) for k, folder in enumerate(folders))


def _trained(reader: _Reader, folder: Path, position: int) -> Trained:
    recipe, reasons = reader.part(folder / "plan.yaml", _plan, (None, ()))
    return Trained(
        id=folder.name,
        number=position,
        folder=folder,
        recipe=recipe,
        reasons=reasons,
        records=tuple(reader.part(folder / "records.jsonl", _records, [])),
        result=reader.part(folder / "result.json", lambda p: Result.from_json(p.read_text("utf-8")), None),
    )


def _told_order(result: Mapping[str, Any], experiments: Sequence[Experiment]) -> list[str]:
    rungs = result.get("ladder")
    told = [str(r.get("run")) for r in rungs if isinstance(r, Mapping)] if isinstance(rungs, list) else []
    for experiment in experiments:
        for arm in (experiment.base, *experiment.arms):
            told += [run for run in arm.runs if run not in told]
    return told


def _winner(runs: Sequence[Trained], result: Mapping[str, Any]) -> Trained | None:
    named = next((r for r in runs if r.id == result.get("winner")), None)
    if named is not None:
        return named
    best: Trained | None = None
    for run in runs:
        score = run.score("confirm", "val", "select")
        held = best.score("confirm", "val", "select") if best else None
        if score is not None and score.better_than(held):
            best = run
    return best or (runs[-1] if runs else None)


def _judged(reader: _Reader, winner: Trained | None, final: Trained | None) -> Predictions | None:
    """A refit has seen select and confirm, so only its test predictions count."""
    for run, split in ((final, "test"), (winner, "test"), (winner, "confirm"), (winner, "select")):
        path = run.folder / "predictions" / f"{split}.npz" if run is not None else reader.folder / "none"
        found = reader.part(path, Predictions.load, None)
        if found is not None and len(found):
            return found
    return None


def _findings(reader: _Reader, runs: Sequence[Trained]) -> tuple[Finding, ...]:
    found: dict[tuple[str, str], Finding] = {}
    for path in [reader.folder / "findings.json", *(run.folder / "findings.json" for run in runs)]:
        for finding in reader.part(path, lambda p: [Finding.from_json(t) for t in _json(p)], []):
            found.setdefault((finding.code, finding.run_id), finding)
    grave = {"problem": 0, "warning": 1, "info": 2}
    return tuple(sorted(found.values(), key=lambda f: (grave.get(f.severity, 3), f.code)))


def _json(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))


def _mapping(path: Path) -> dict[str, Any]:
    tree = _json(path)
    if not isinstance(tree, dict):
        raise ValueError(f"a JSON object was expected, got {type(tree).__name__}")
    return tree


def _lines(path: Path) -> list[dict[str, Any]]:
    """Whole JSON lines; unlike core's reader it leaves a half-written last line alone, since a run may be alive."""
    raw = path.read_bytes()
    lines = [json.loads(line) for line in raw[: raw.rfind(b"\n") + 1].splitlines() if line.strip()]
    return [line for line in lines if isinstance(line, dict)]


def _records(path: Path) -> list[Record]:
    return [record_from_json(line) for line in _lines(path)]


def _plan(path: Path) -> tuple[Recipe, tuple[Reason, ...]]:
    text = path.read_text("utf-8")
    tree = yaml.safe_load(text)
    return load(text, str(path)), tuple(Reason(**r) for r in tree.get("reasons") or [])


def _experiments(path: Path) -> tuple[Experiment, ...]:
    return tuple(Experiment.from_json(tree) for tree in _json(path))


def _pictures(path: Path) -> dict[str, Picture]:
    return {str(name): picture for name, tree in _mapping(path).items() if (picture := picture_from(tree)) is not None}


def picture_from(tree: Any) -> Picture | None:
    """A picture whose bytes truly are an image; anything else would be a hole in the page."""
    if not isinstance(tree, Mapping):
        return None
    if isinstance(tree.get("text"), str):
        return Picture(text=tree["text"])
    for coded in (v for v in tree.values() if isinstance(v, str)):
        try:
            data = base64.b64decode(coded, validate=True)
        except (binascii.Error, ValueError):
            continue
        kind = next((name for magic, name in IMAGE_KINDS if data.startswith(magic)), None)
        if kind:
            is_small = kind == "image/png" and int.from_bytes(data[16:20], "big") <= SMALL
            return Picture(uri=Markup("data:{};base64,{}").format(kind, coded), is_small=is_small)
    return None
