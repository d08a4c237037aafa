"""Checks of what tells the class without a look inside: file names, the sizes and formats of files, lengths of texts.

Sources: Kaufman et al. 2012, "Leakage in Data Mining", doi:10.1145/2382577.2382579; Geirhos et al. 2020, "Shortcut
learning in deep neural networks", doi:10.1038/s42256-020-00257-z.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict

import numpy as np

from ..core.errors import printable
from ..core.finding import Finding
from ..core.target_kinds import KINDS
from ..data.picture_scan import PictureScan
from ..data.text_scan import TextScan
from ..stats.ranks import one_against_all
from .check import Check, Outcome, View, finding

LEAST, LEAST_SHARE = 20, 0.3  # samples whose names hold a word, and their share of a class, so that it is no chance
SURE = 0.98  # share of one class among them from which the word gives the class away
RUNS = 0.9  # of the way from chance to certainty that neighbouring numbers agree in class
TELLS = 0.97  # area under the ROC curve of one fact for one class, from which a net need not look at the picture
_NUMBERED = re.compile(
    r"(?P<stem>.+?)[ _.\-]+(?:frame|img|image|crop|slice|tile|patch|view|f|s)?[_\-]?\d+$", re.IGNORECASE
)
_WORD = re.compile(r"[^\W\d_]{2,}")
_NUMBER = re.compile(r"\d+")
_SHOWN = 10


def file_names(view: View) -> Outcome:
    """Words in file names that come with one class alone, and numbers that run through class after class.

    The name of the class itself is how people name files, and is not counted.
    """
    side = _told_side(view)
    if side is None or not all(str(where) for where in view.index.where[side]):
        return Outcome()
    target, classes = view.index.target[side], view.schema.classes
    bases = [base_of(str(name)) for name in view.index.id[side]]
    findings = []
    words = _telling_words(bases, target, classes)
    if words:
        having = np.array([any(word in _words(base) for word, _, _, _ in words) for base in bases])
        told = "; ".join(
            f"'{printable(w, 30)}' -> {printable(classes[k], 40)} ({s:.0%} of {n})" for w, k, s, n in words
        )
        findings.append(finding("GF-D098", "info", view, side[having], words=told, tokens=len(words)))
    agree, chance = _runs(bases, target)
    if agree - chance >= RUNS * (1 - chance):
        findings.append(finding("GF-D099", "info", view, side, agree=agree, chance=chance))
    return Outcome(findings=tuple(findings))


def metadata(view: View) -> Outcome:
    """Facts of the file, not of the scene, by which one class is known: sizes, shapes, formats, compression, length."""
    side = _told_side(view)
    if side is None:
        return Outcome()
    target = view.index.target[side]
    told = [
        (max(value, 1 - value), name, k)
        for name, values in _file_facts(view).items()
        for k, value in one_against_all(values[side], target).items()
    ]
    strong = sorted((t for t in told if t[0] >= TELLS), key=lambda t: -t[0])
    if not strong:
        return Outcome()
    shown = [
        {"area": round(a, 3), "fact": name, "class": printable(view.schema.classes[k], 60)} for a, name, k in strong
    ]
    numbers = {
        "count": len({k for _, _, k in strong}),
        "names": "; ".join(f"{s['fact']} -> {s['class']} {s['area']:.3f}" for s in shown[:_SHOWN]),
        "limit": TELLS,
    }
    return Outcome(findings=(Finding(code="GF-D100", severity="warning", numbers=numbers),))


def stem_of(name: str) -> str:
    """The part of a file name before its last number, "" where it has no such form."""
    found = _NUMBERED.fullmatch(base_of(name))
    return found["stem"].lower() if found else ""


def base_of(name: str) -> str:
    """A file name without folder and ending."""
    return name.rpartition("/")[2].rpartition(".")[0] or name


def _told_side(view: View) -> np.ndarray | None:
    """Positions outside test with one known class each; None where the target is another or they are too few."""
    if not KINDS[view.schema.target_kind].is_exclusive:
        return None
    side = np.flatnonzero(view.kept & ~view.test & (view.index.target >= 0))
    return side if len(side) >= 2 * LEAST and len(np.unique(view.index.target[side])) > 1 else None


def _telling_words(bases: list[str], target: np.ndarray, classes: tuple[str, ...]) -> list[tuple[str, int, float, int]]:
    """(word, class, share, samples) of each word that gives a class away, the commonest first."""
    places: dict[str, list[int]] = defaultdict(list)
    for i, base in enumerate(bases):
        for word in _words(base):
            places[word].append(i)
    size = np.bincount(target, minlength=len(classes))
    found = []
    for word, rows in places.items():
        counts = np.bincount(target[rows], minlength=len(classes))
        k = int(counts.argmax())
        often = len(rows) >= LEAST and counts[k] >= LEAST_SHARE * size[k]
        if often and counts[k] >= SURE * len(rows) and not _is_name_of(word, classes[k]):
            found.append((word, k, float(counts[k] / len(rows)), len(rows)))
    return sorted(found, key=lambda f: -f[3])[:_SHOWN]


def _is_name_of(word: str, name: str) -> bool:
    """Whether a word is the class's own name, or a part of it or with it: `cats`, `goldfinch` for `finch`."""
    own = _words(name) | {name.casefold()}
    return any(word == one or (min(len(word), len(one)) > 2 and (word in one or one in word)) for one in own)


def _words(text: str) -> set[str]:
    return {word.casefold() for word in _WORD.findall(text)}


def _runs(bases: list[str], target: np.ndarray) -> tuple[float, float]:
    """(share of neighbours by the last number in the name that share a class, the same by chance)."""
    numbers = [int(found[-1][:18]) if (found := _NUMBER.findall(base)) else -1 for base in bases]
    order = np.argsort(np.array(numbers), kind="stable")
    known = order[np.array(numbers)[order] >= 0]
    values = np.array(numbers)[known]
    if len(known) < 0.9 * len(bases) or len(np.unique(values)) < 0.9 * len(values):  # each folder counts from 1 anew
        return 0.0, 0.0
    shares = np.bincount(target[known]) / len(known)
    return float((target[known][1:] == target[known][:-1]).mean()), float((shares**2).sum())


def _file_facts(view: View) -> dict[str, np.ndarray]:
    scan = view.scan
    if isinstance(scan, TextScan):
        return {"words": scan.length.astype(np.float64)}
    if not isinstance(scan, PictureScan):
        return {}
    pixels = np.maximum(scan.height * scan.width, 1)
    stored = np.array([_bytes(str(where)) for where in view.index.where])
    facts = {
        "height": scan.height,
        "width": scan.width,
        "aspect": scan.width / np.maximum(scan.height, 1),
        "bytes": stored / pixels,
        "coloured": scan.coloured,
        "turned": scan.orientation != 1,
    }
    facts |= {f"format {name}": scan.format == name for name in sorted({str(f) for f in scan.format if f})}
    return {name: np.where(scan.ok, column.astype(np.float64), np.nan) for name, column in facts.items()}


def _bytes(where: str) -> float:
    try:
        return float(os.stat(where).st_size)
    except OSError:
        return np.nan


CHECKS = (
    Check(name="file_names", codes=("GF-D098", "GF-D099"), look=file_names, source="Kaufman et al. 2012"),
    Check(name="metadata", codes=("GF-D100",), look=metadata, source="Geirhos et al. 2020"),
)
