"""`goodfit audit`: the findings file with every sample, the page in two languages, the cleaned list."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from ..data.photographs import photograph
from .tiny import Shell


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "flowers <b>"
    for part, first in (("train", 0), ("test", 100)):
        for seed in range(first, first + 16):
            path = folder / part / "ab"[seed % 2] / f"{seed:03d}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            photograph(seed).save(path, quality=92)
    (folder / "train" / "a" / "empty.jpg").write_bytes(b"")
    (folder / "train" / "a" / "page.jpg").write_text("<!doctype html><script>alert(1)</script>")
    (folder / "train" / "a" / "Thumbs.db").write_text("x")
    (folder / "train" / "none").mkdir()
    (folder / "train" / "b" / "twin.jpg").write_bytes((folder / "train" / "b" / "001.jpg").read_bytes())
    (folder / "train" / "b" / "conflict.jpg").write_bytes((folder / "train" / "a" / "002.jpg").read_bytes())
    photograph(100).resize((70, 56)).save(folder / "train" / "a" / "leak.png")
    photograph(4).convert("L").save(folder / "train" / "a" / "004.jpg")
    photograph(6).point(lambda v: 0.1 * v).save(folder / "train" / "a" / "006.jpg")
    return folder


def by_kind(file: Path) -> dict[str, set[str]]:
    entries = json.loads(file.read_text())
    assert all({"code", "kind", "severity", "count", "samples"} <= set(entry) for entry in entries)
    assert all(set(entry["title"]) == {"en", "zh"} for entry in entries)
    return {entry["kind"]: {sample["path"] for sample in entry["samples"]} for entry in entries}


def test_every_affected_sample_is_listed_by_its_kind(goodfit: Shell, data: Path) -> None:
    answer = goodfit("audit", data).answer
    assert by_kind(Path(answer["findings_file"])) == {
        "zero_byte": {"train/a/empty.jpg"},
        "text_named_as_image": {"train/a/page.jpg"},
        "non_image_file": {"train/a/Thumbs.db"},
        "empty_class_folder": {"train/none/"},
        "class_missing_from_test": {"train/"},
        "exact_duplicate": {"train/b/twin.jpg"},
        "exact_duplicate_other_class": {"train/a/002.jpg", "train/b/conflict.jpg"},
        "leak_near": {"train/a/leak.png"},
        "grayscale": {"train/a/004.jpg"},
        "too_dark": {"train/a/006.jpg"},
    }
    entries = json.loads(Path(answer["findings_file"]).read_text())
    others = {sample["path"]: sample.get("other") for entry in entries for sample in entry["samples"]}
    assert others["train/b/twin.jpg"] == "train/b/001.jpg"
    assert others["train/b/conflict.jpg"] == "train/a/002.jpg"
    assert others["train/a/leak.png"] == "test/a/100.jpg"
    weights = {"problem": 0, "warning": 1, "info": 2}
    ranks = [weights[entry["severity"]] for entry in entries]
    assert ranks == sorted(ranks)


def test_the_page_shows_pictures_and_holds_no_code_from_the_data(goodfit: Shell, data: Path) -> None:
    page = Path(goodfit("audit", data).answer["page"]).read_text()
    assert page.count("data:image/png;base64,") >= 8
    assert "flowers &lt;b&gt;" in page
    assert "<b>" not in page.split("<title>")[1].split("</title>")[0]
    assert "alert(1)" not in page
    assert "default-src &#39;none&#39;" in page
    assert "副本" in page


def test_the_cleaned_list_leaves_out_what_cannot_be_used_and_serves_as_data(
    goodfit: Shell, data: Path, tmp_path: Path
) -> None:
    before = {path: path.read_bytes() for path in data.rglob("*") if path.is_file()}
    said = goodfit("audit", data, "--fix")
    assert "changes nothing" not in said.err
    answer = said.answer["cleaned"]
    assert {path: path.read_bytes() for path in data.rglob("*") if path.is_file()} == before
    with open(answer["path"], newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == answer["kept"] == 31
    assert all(Path(row["path"]).is_file() for row in rows)
    assert answer["reasons"] == {
        "zero_byte": 1, "not_image": 1, "conflict": 2, "copy of a held-out sample": 1, "copy": 1
    }  # fmt: skip
    left_out = {row["path"]: row["reason"] for row in json.loads(Path(answer["left_out"]).read_text())}
    assert left_out["train/b/twin.jpg"] == "copy"
    again = goodfit("audit", answer["path"]).answer
    assert again["counts"]["test"] == 16
    assert by_kind(Path(again["findings_file"])).keys() == {"grayscale", "too_dark"}


def test_a_table_has_no_cleaned_list_of_files(goodfit: Shell, tmp_path: Path) -> None:
    rows = ["a,b,target", *(f"{i},{i % 7},{'xy'[i % 2]}" for i in range(60))]
    (tmp_path / "t.csv").write_text("\n".join(rows))
    assert "files with labels only" in goodfit("audit", tmp_path / "t.csv", "--fix", code=2).err
    assert goodfit("audit", tmp_path / "t.csv").answer["cleaned"] is None


def test_wrong_labels_are_found_with_a_pretrained_network(goodfit: Shell, tmp_path: Path, shared_data: Path) -> None:
    """Two kinds of pictures that any pretrained network tells apart; three of them lie in the other folder."""
    for seed in range(60):
        label = "ab"[seed % 2]
        picture = photograph(seed) if label == "a" else photograph(seed).convert("L").convert("RGB").rotate(90)
        if label == "b":
            picture = picture.point(lambda v: 255 if v > 128 else 0)
        path = tmp_path / "d" / ("ba"[seed % 2] if seed in (10, 21, 32) else label) / f"{seed:02d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        picture.save(path)
    weights = shared_data / "weights" / "mobilenet_v2_imagenet1k.safetensors"
    answer = goodfit("audit", tmp_path / "d", f"model.weights={weights}", "model.size=64").answer
    entries = json.loads(Path(answer["findings_file"]).read_text())
    (entry,) = (entry for entry in entries if entry["kind"] == "mislabelled")
    assert [sample["path"] for sample in entry["samples"][:3]] and {s["path"] for s in entry["samples"][:3]} == {
        "b/10.png", "a/21.png", "b/32.png"
    }  # fmt: skip
    first = {sample["path"]: sample for sample in entry["samples"]}["b/10.png"]
    assert (first["given"], first["proposed"]) == ("b", "a")
    assert first["confidence"] > 0.5
    assert "GF-D080" in {found["code"] for found in answer["findings"]}
