"""Checks of texts: words that give the label away, markup, length, languages.

Source: Gururangan et al. 2018, arXiv:1803.02324 (annotation artefacts).
"""

from __future__ import annotations

import numpy as np

from ..core.finding import Finding
from ..data.text_scan import TextScan
from ..data.texts import EAST, LONGEST
from .check import Check, Outcome, View, finding

GIVEAWAY = 0.98  # share of one class among the texts with a word from which it gives the label away
LEAST_TEXTS, LEAST_SHARE = 20, 0.3  # texts with that word, and their share of the class, so that it is no chance
MARKED = 0.01  # share of texts with markup from which it is said
MIXED = 0.05  # share of the rarer script from which a set counts as mixed


def giveaways(view: View) -> Outcome:
    """Words that all but name the class: a rating, a source, a word that was used to collect the texts."""
    scan, target = view.scan, view.index.target
    if not isinstance(scan, TextScan) or view.schema.target_kind != "class":
        return Outcome()
    side = np.flatnonzero(view.kept & ~view.test & (target >= 0))
    classes, words = len(view.schema.classes), len(scan.vocabulary)
    if len(side) < 2 * LEAST_TEXTS or classes < 2:
        return Outcome()
    count = np.zeros((classes, words), dtype=np.int64)
    for i in side:
        count[target[i], np.unique(scan.of(int(i)))] += 1
    total = count.sum(0)
    top = count.argmax(0)
    of_class = np.bincount(target[side], minlength=classes)
    often = (total >= LEAST_TEXTS) & (count[top, np.arange(words)] >= LEAST_SHARE * of_class[top])
    share = count[top, np.arange(words)] / np.maximum(total, 1)
    named = [int(w) for w in np.flatnonzero(often & (share >= GIVEAWAY))]
    if not named:
        return Outcome()
    named.sort(key=lambda w: -int(total[w]))
    told = "; ".join(
        f"'{scan.vocabulary[w]}' -> {view.schema.classes[top[w]]} ({share[w]:.1%} of {total[w]})" for w in named[:10]
    )
    having = np.array([i for i in side if np.isin(named, scan.of(int(i))).any()], dtype=np.int64)
    return Outcome(findings=(finding("GF-D041", "warning", view, having, words=told, tokens=len(named)),))


def form(view: View) -> Outcome:
    """Markup that was taken out, texts that were cut, languages that are mixed."""
    scan = view.scan
    if not isinstance(scan, TextScan):
        return Outcome()
    found: list[Finding] = []
    marked = np.flatnonzero(view.kept & scan.markup)
    kept = int(view.kept.sum())
    if len(marked) >= MARKED * kept and len(marked):
        found.append(finding("GF-D042", "info", view, marked, share=len(marked) / kept))
    cut = np.flatnonzero(view.kept & (scan.chars >= LONGEST))
    if len(cut):
        found.append(finding("GF-D043", "warning", view, cut, longest=LONGEST))
    east = view.kept & (scan.east >= EAST)
    rarer = east if 2 * int(east.sum()) <= kept else view.kept & ~east
    if int(rarer.sum()) >= max(1, MIXED * kept):
        positions = np.flatnonzero(rarer)
        found.append(finding("GF-D044", "info", view, positions, share=len(positions) / kept))
    return Outcome(findings=tuple(found))


CHECKS = (
    Check(name="giveaways", codes=("GF-D041",), look=giveaways, source="Gururangan et al. 2018"),
    Check(name="text_form", codes=("GF-D042", "GF-D043", "GF-D044"), look=form, source="counts"),
)
