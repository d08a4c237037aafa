"""Findings as `findings.json` holds them: one object a code and kind of fault, every affected sample listed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from ..core.finding import Finding
from ..core.messages import LANGUAGES
from ..core.telling import known, show_finding, words

KINDS: Mapping[str, str] = {  # finding -> its fault in one word; the codes that have several name them sample by sample
    "GF-A001": "contradicting_keys",
    "GF-A002": "unused_answers",
    "GF-D002": "non_image_file",
    "GF-D003": "exact_duplicate",
    "GF-D004": "exact_duplicate_other_class",
    "GF-D005": "leak_exact",
    "GF-D006": "empty_class_folder",
    "GF-D007": "class_with_one_sample",
    "GF-D008": "class_without_samples",
    "GF-D010": "animated",
    "GF-D011": "exif_rotated",
    "GF-D012": "wrong_extension",
    "GF-D013": "class_imbalance",
    "GF-D014": "test_without_labels",
    "GF-D015": "class_missing_from_test",
    "GF-D016": "ragged_row",
    "GF-D017": "other_encoding",
    "GF-D018": "similar_class_names",
    "GF-D019": "blank",
    "GF-D020": "scaled_pixels",
    "GF-D021": "leak_group",
    "GF-D022": "leak_group_by_name",
    "GF-D030": "unused_columns",
    "GF-D031": "guessed_target",
    "GF-D032": "id_column",
    "GF-D033": "constant_column",
    "GF-D034": "leak_column",
    "GF-D035": "repeated_columns",
    "GF-D036": "mostly_missing_column",
    "GF-D037": "free_text_column",
    "GF-D038": "stray_cells",
    "GF-D039": "mixed_column",
    "GF-D040": "leak_near",
    "GF-D041": "giveaway_words",
    "GF-D042": "markup",
    "GF-D043": "long_text",
    "GF-D044": "mixed_scripts",
    "GF-D045": "unnamed_columns",
    "GF-D047": "unlabelled_texts",
    "GF-D050": "box_outside",
    "GF-D051": "box_inverted",
    "GF-D052": "box_without_area",
    "GF-D053": "box_repeated",
    "GF-D054": "box_without_numbers",
    "GF-D055": "box_of_unknown_class",
    "GF-D056": "not_annotated",
    "GF-D057": "vanished",
    "GF-D058": "size_disagrees",
    "GF-D059": "box_turned",
    "GF-D060": "unreadable_annotation",
    "GF-D061": "box_tiny",
    "GF-D062": "box_doubled",
    "GF-D063": "empty_picture",
    "GF-D070": "too_dark",
    "GF-D071": "over_exposed",
    "GF-D072": "blurred",
    "GF-D073": "near_duplicate",
    "GF-D074": "near_duplicate_mirrored",
    "GF-D075": "near_duplicate_other_class",
    "GF-D080": "mislabelled",
    "GF-D081": "labels_unjudged",
    "GF-D082": "labels_beyond_judgement",
    "GF-D083": "mislabelled_left_out",
    "GF-D084": "mislabelled_relabelled",
    "GF-D085": "annotators_differ",
    "GF-D086": "poor_annotator",
    "GF-D090": "many_empty_pictures",
    "GF-D091": "many_negatives",
    "GF-D092": "annotation_imbalance",
    "GF-D093": "negatives_sampled",
    "GF-D095": "source_drift",
    "GF-D096": "source_doubtful",
    "GF-D097": "domain_shift",
    "GF-D098": "leak_file_name",
    "GF-D099": "numbered_by_class",
    "GF-D100": "leak_metadata",
    "GF-D101": "source_unlike",
    "GF-D105": "missing_condition",
    "GF-D106": "missing_region",
    "GF-D107": "redundant",
    "GF-D108": "label_next",
    "GF-D130": "not_labelled_region",
    "GF-D131": "bytes_column",
    "GF-D132": "several_missing_marks",
    "GF-D133": "rows_in_time",
}


def listed(findings: Iterable[Finding], place: Callable[[str], str] = str) -> list[dict[str, Any]]:
    """Findings as plain values, in the order given.

    Args:
        findings: of an audit.
        place: id -> path relative to the data folder, or the id itself where there is none.
    Returns: objects with code, kind, severity, count, numbers, title, body and advice (each in every language), and
        samples: path, `other` where two concern each other, and what else the finding knows of the sample.
    """
    return [entry for found in findings for entry in _entries(found, place)]


def kind_of(finding: Finding) -> str:
    """The fault of a finding in one word."""
    return KINDS.get(finding.code, finding.code)


def _entries(found: Finding, place: Callable[[str], str]) -> list[dict[str, Any]]:
    said = {language: show_finding(found, language) for language in LANGUAGES}
    told = {part: {language: parts[k] for language, parts in said.items()} for k, part in enumerate(_PARTS)}
    common = {"severity": found.severity, "numbers": dict(found.numbers), **told}
    kinds = np.array(found.kinds or (kind_of(found),) * len(found.ids), dtype=object)
    entries = []
    for kind in dict.fromkeys(kinds) or (kind_of(found),):
        samples = [_sample(found, int(i), place) for i in np.flatnonzero(kinds == kind)]
        count = len(samples) if found.ids else int(found.numbers.get("count", 1))
        entries.append({"code": found.code, "kind": kind, "count": count, **common, "samples": samples})
        if found.kinds and known(f"kind.{kind}"):
            entries[-1]["title"] = {language: words(f"kind.{kind}", language, n=count) for language in LANGUAGES}
    return entries


_PARTS = ("title", "body", "advice")


def _sample(found: Finding, i: int, place: Callable[[str], str]) -> dict[str, Any]:
    folder = "/" if found.code == "GF-D006" else ""
    sample: dict[str, Any] = {"path": place(found.ids[i]) + folder}
    if found.others:
        sample["other"] = place(found.others[i])
    return sample | {name: values[i] for name, values in found.details.items()}
