"""A study: a folder of runs with a ledger, findings, the model that counts, and a report."""

from __future__ import annotations

import hashlib
import html
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ..core.errors import UsageError
from ..core.experiment import Experiment
from ..core.files import write_json
from ..core.finding import Finding
from ..core.ledger import Ledger
from ..core.lock import FolderLock
from ..core.recipe import Recipe
from ..core.run import Run, identity, open_stored
from .clock import Clock


class Study:
    """One study folder.

    Args:
        folder: made if absent.
        budget: seconds, None = no deadline.
        lock: whether to own the folder; reading needs no lock.
        began: when the command began, `clock.command_start`; None = now.
    Raises: RunLocked if another process works in it.
    """

    def __init__(
        self, folder: Path, budget: float | None = None, lock: bool = False, began: float | None = None
    ) -> None:
        self.folder = folder.absolute()
        self._lock = FolderLock(self.folder) if lock else None
        self.ledger = Ledger(self.folder / "ledger.jsonl")
        self.clock = Clock(self.folder / "clock.json", budget, began=began)

    @property
    def recovered(self) -> dict[str, Any] | None:
        """{pid, host} of a process that ended without giving the folder back; None where there was none."""
        return self._lock.recovered if self._lock is not None else None

    @property
    def model(self) -> Path:
        """The model folder that predict, evaluate, export and serve accept."""
        return self.folder / "model"

    @property
    def report_path(self) -> Path:
        return self.folder / "report.html"

    @property
    def about(self) -> dict[str, Any]:
        """study.json: what was asked, of which data, on which machine."""
        return _read(self.folder / "study.json", {})

    @property
    def result(self) -> dict[str, Any] | None:
        """The object that `--json` prints, with extras; None while unfinished."""
        return _read(self.folder / "result.json", None)

    @property
    def findings(self) -> list[Finding]:
        return [Finding.from_json(t) for t in _read(self.folder / "findings.json", [])]

    @property
    def experiments(self) -> list[Experiment]:
        return [Experiment.from_json(t) for t in _read(self.folder / "experiments.json", [])]

    def add_findings(self, findings: Iterable[Finding]) -> list[Finding]:
        """Keep findings not yet kept; returns the new ones."""
        kept = self.findings
        known = {(f.code, f.run_id) for f in kept}
        fresh = [f for f in findings if (f.code, f.run_id) not in known]
        if fresh:
            write_json(self.folder / "findings.json", [f.to_json() for f in kept + fresh])
        return fresh

    def add_experiment(self, experiment: Experiment) -> None:
        """Keep an experiment; one on the same question and finding is replaced."""
        others = [e for e in self.experiments if (e.question, e.finding) != (experiment.question, experiment.finding)]
        write_json(self.folder / "experiments.json", [e.to_json() for e in [*others, experiment]])

    def run_folder(self, name: str, recipe: Recipe, fingerprint: str) -> Path:
        """Where the run of this recipe lies."""
        return self.folder / "runs" / f"{safe_name(name)}-{identity(recipe, fingerprint)[:8]}"

    def runs(self) -> list[Run]:
        """All runs, oldest folder first."""
        folders = [p.parent for p in (self.folder / "runs").glob("*/plan.yaml")]
        return [open_stored(f) for f in sorted(folders, key=lambda f: (f / "plan.yaml").stat().st_mtime)]

    def write(self, name: str, tree: Any) -> None:
        """Write one of the study's JSON files."""
        write_json(self.folder / name, tree)

    def release(self) -> None:
        """Give the folder back to other processes."""
        self.clock.note(every=0.0)
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def report(self, lang: str = "en") -> Path:
        """Write report.html and return its path."""
        from .report import report

        return report(self.folder, lang=lang)

    def _repr_html_(self) -> str:
        shown = self.result or self.about
        rows = "".join(
            f"<tr><th>{html.escape(str(k))}</th><td>{html.escape(json.dumps(v, ensure_ascii=False))}</td></tr>"
            for k, v in shown.items()
            if not isinstance(v, list | dict) or k in ("val", "test")
        )
        return f"<table>{rows}</table>"


def study_id(verb: str, asked: Recipe, fingerprint: str, budget: float | None) -> str:
    """What makes two commands the same study; 8 hex digits."""
    text = json.dumps([verb, identity(asked, fingerprint), budget])
    return hashlib.blake2b(text.encode(), digest_size=4).hexdigest()


def open_study(
    runs: Path, verb: str, asked: Recipe, fingerprint: str, budget: float | None, new: bool, began: float | None = None
) -> tuple[Study, bool]:
    """The unfinished or finished study of this command, or a new one.

    Returns: the study, locked, and whether it is a continuation.
    Raises: RunLocked if another process works in it.
    """
    stem = f"{safe_name(Path(asked.data.path).name or 'data')}-{verb}-{study_id(verb, asked, fingerprint, budget)}"
    folders = sorted(runs.glob(f"{stem}*"), key=lambda p: (len(p.name), p.name))
    if new and folders:
        folder = runs / f"{stem}-{len(folders) + 1}"
    else:
        folder = folders[-1] if folders else runs / stem
    known = (folder / "study.json").exists()
    return Study(folder, budget, lock=True, began=began), known


def sibling_with_other_data(study: Study, asked: Recipe) -> str | None:
    """Name of a study of the same recipe on data that have changed since, or None."""
    for path in study.folder.parent.glob(f"{study.folder.name.rpartition('-')[0]}-*/study.json"):
        about = _read(path, {})
        if path.parent != study.folder and about.get("asked") == asked.model_dump(mode="json"):
            return path.parent.name
    return None


def same_split(study: Study, digest: str) -> None:
    """Refuse to go on with samples dealt out otherwise: what was held out before may be in train now.

    Args:
        study: begun before.
        digest: of the split that was made now.
    Raises: UsageError if it is not the one that the study began with.
    """
    began = study.about.get("split_digest")
    if began not in (None, digest):
        raise UsageError(
            "the samples are split otherwise than when this study began",
            got=f"split {digest}",
            allowed=f"split {began}",
            do="start another study with --new; another version of goodfit or another group column can be the cause",
            where=study.folder,
        )


def find_study(path: Path) -> Study:
    """The study that a path names: a study folder, or a run or model folder inside one.

    Raises: UsageError if there is none.
    """
    for folder in (path, *path.absolute().parents):
        if (folder / "study.json").exists():
            return Study(folder)
    raise UsageError("no study lies here", where=path, allowed="a folder with a study.json", do="name a study folder")


def safe_name(text: str) -> str:
    """A folder name from any text: letters, digits, dot, dash; never empty, never hidden, at most 40 characters."""
    return re.sub(r"[^A-Za-z0-9.-]+", "_", text).strip("._-")[:40] or "data"


def _read(path: Path, default: Any) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return default


def merge(path: Path, tree: Mapping[str, Any]) -> None:
    """Update a JSON object on disk."""
    write_json(path, {**_read(path, {}), **tree})
