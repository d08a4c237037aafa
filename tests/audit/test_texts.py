"""What the audit says of texts: near copies held out, words that name the class, markup, mixed scripts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from goodfit.audit import run
from goodfit.core.messages import LANGUAGES, say
from goodfit.core.recipe import DataSection
from goodfit.data.near import near_copies
from goodfit.data.reading import read
from goodfit.data.scan import scan
from goodfit.data.texts import Texts

WORDS = [f"word{i}" for i in range(400)]


def texts(n: int, seed: int, length: int = 60) -> list[str]:
    random = np.random.default_rng(seed)
    return [" ".join(random.choice(WORDS, length)) for _ in range(n)]


def written(folder: Path, **parts: list[tuple[str, str]]) -> Path:
    folder.mkdir()
    for part, rows in parts.items():
        lines = ["text,label", *(f'"{text}",{label}' for text, label in rows)]
        (folder / f"{part}.csv").write_text("\n".join(lines), "utf-8")
    return folder


def audited(folder: Path, cache: Path) -> tuple[Texts, dict[str, dict[str, object]]]:
    found = read(DataSection(path=str(folder)), cache)
    assert isinstance(found, Texts)
    seen = scan(found, cache)
    audit = run(found, seen, near_copies(found, seen, cache))
    for finding in audit.findings:
        for lang in LANGUAGES:
            assert say(f"finding.{finding.code}.body", lang, **finding.numbers)
    return found.take(audit.keep), {f.code: dict(f.numbers) for f in audit.findings}


def labelled(some: list[str]) -> list[tuple[str, str]]:
    return [(text, "ab"[i % 2]) for i, text in enumerate(some)]


def test_clean_texts_give_no_finding(tmp_path: Path) -> None:
    kept, found = audited(written(tmp_path / "d", train=labelled(texts(80, 0)), test=labelled(texts(40, 1))), tmp_path)
    assert found == {}
    assert len(kept) == 120


def test_near_copies_of_test_texts_leave_the_training_side(tmp_path: Path) -> None:
    train, test = texts(80, 0), texts(40, 1)
    train[:5] = [text + " and one more word" for text in test[:5]]  # 57 of 61 shingles are common
    kept, found = audited(written(tmp_path / "d", train=labelled(train), test=labelled(test)), tmp_path)
    assert found["GF-D040"]["count"] == 5
    assert found["GF-D040"]["leaked"] == 5
    assert (kept.index.part == "train").sum() == 75


def test_near_copies_are_kept_together_where_the_split_is_drawn(tmp_path: Path) -> None:
    some = texts(100, 0)
    some[:20] = [text + " and one more word" for text in some[20:40]]
    folder = written(tmp_path / "d", train=labelled(some))
    found = read(DataSection(path=str(folder / "train.csv")), tmp_path)
    seen = scan(found, tmp_path)
    audit = run(found, seen, near_copies(found, seen, tmp_path))
    assert audit.groups is not None
    group = dict(zip(found.index.id[audit.keep], audit.groups, strict=True))
    at = {found[i]: group[found.index.id[i]] for i in range(100)}
    assert sum(at[text] == at[text + " and one more word"] for text in some[20:40]) == 20
    assert len(set(audit.groups.tolist())) == 80


def test_word_that_names_the_class_is_found_and_one_that_only_leans_is_not(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    rows = []
    for i, text in enumerate(texts(200, 0)):
        label = "ab"[i % 2]
        cue = "7/10stars" if label == "a" and i % 4 else "filler"
        lean = "lovely" if random.random() < (0.7 if label == "a" else 0.3) else "plain"
        rows.append((f"{text} {cue} {lean}", label))
    _, found = audited(written(tmp_path / "d", train=rows), tmp_path)
    assert "'10stars' -> a" in str(found["GF-D041"]["words"])
    assert "lovely" not in str(found["GF-D041"]["words"])


@pytest.mark.parametrize(
    ("mark", "code"), [("<b>bold</b> &amp; more", "GF-D042"), ("这是一篇很长的中文评论" * 12, "GF-D044")]
)
def test_form_of_texts(mark: str, code: str, tmp_path: Path) -> None:
    some = [text if i % 5 else f"{mark} {text[:40]}" for i, text in enumerate(texts(100, 0))]
    _, found = audited(written(tmp_path / "d", train=labelled(some)), tmp_path)
    assert found[code]["count"] == 20
