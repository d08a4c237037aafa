"""Bad input on the real command line: every row of docs/bad-input.md gets its answer, in one line, without a traceback.

E = refused before anything is trained, exit 2; Q = the item is put aside and named; W = a finding, the work goes on.
"""

from __future__ import annotations

import ast
import io
import json
import os
import re
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from goodfit.cli.main import main
from goodfit.data import archives, texts

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / "data"), str(HERE / "data" / "readers")]
from box_sets import LAYOUTS, coco  # noqa: E402 - stand beside the tests of readers
from drawing import draw, folders, noise, png, png_bomb  # noqa: E402

PAGE = HERE.parent / "docs" / "bad-input.md"
NOT_YET = {46, 48}  # masks and sound come with their tasks
Make = Callable[[Path], Path]


def audit(path: Path, runs: Path, capfd: pytest.CaptureFixture[str], *words: str, lang: str = "en") -> Any:
    """(exit code, the object that `--json` prints or None, what was said); never a traceback."""
    capfd.readouterr()
    code = main(["audit", str(path), "--json", "--lang", lang, "--runs", str(runs), *words])
    out, err = capfd.readouterr()
    assert "Traceback" not in err
    return code, json.loads(out) if out else None, err


def pictures(root: Path, counts: dict[str, int] | None = None) -> Path:
    return folders(root, counts or {"ant": 10, "bee": 10})


def rows(root: Path, lines: list[str], head: str = "a,b,target") -> Path:
    root.mkdir(parents=True, exist_ok=True)
    (root / "t.csv").write_text("\n".join([head, *lines]) + "\n")
    return root / "t.csv"


def reviews(root: Path, change: Callable[[int, str], str] = lambda i, text: text) -> Path:
    """Class folders of forty texts."""
    rng = np.random.default_rng(0)
    words = [f"w{k}" for k in range(300)]
    for i in range(40):
        text = " ".join(rng.choice(words, 30))
        file = root / ("neg" if i % 2 else "pos") / f"{i}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(change(i, text), "utf-8", errors="surrogatepass")
    return root


def zipped(root: Path, members: dict[str, bytes]) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(root / "d.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return root / "d.zip"


def changed_coco(root: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    root.mkdir()
    file = coco(root) / "annotations" / "instances_train2017.json"
    tree = json.loads(file.read_text())
    change(tree)
    file.write_text(json.dumps(tree))
    return root


# ---- rows that are refused ------------------------------------------------------------------------------------------


def empty_folder(root: Path) -> Path:
    root.mkdir()
    return root


def one_class(root: Path) -> Path:
    return pictures(root, {"ant": 12})


def only_in_test(root: Path) -> Path:
    pictures(root / "train")
    folders(root / "test", {"ant": 3, "wasp": 3}, first=900)
    return root


def link_loop(root: Path) -> Path:
    (pictures(root) / "ant" / "loop").symlink_to(root)
    return root


def slipping_zip(root: Path) -> Path:
    return zipped(root, {"a/0.png": png(0), "../../out.png": png(1)})


def absolute_tar(root: Path) -> Path:
    root.mkdir()
    with tarfile.open(root / "d.tar", "w") as archive:
        info = tarfile.TarInfo("/tmp/out.png")
        info.size = 3
        archive.addfile(info, io.BytesIO(b"abc"))
    return root / "d.tar"


def linking_tar(root: Path) -> Path:
    root.mkdir()
    with tarfile.open(root / "d.tar", "w") as archive:
        info = tarfile.TarInfo("a/link")
        info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(info)
    return root / "d.tar"


def bomb(root: Path) -> Path:
    return zipped(root, {"a/0.png": b"\0" * 20_000_000})


def nested_bomb(root: Path) -> Path:
    inner = zipped(root / "inner", {"a/0.png": b"\0" * 20_000_000}).read_bytes()
    return zipped(root, {"inner.zip": inner})


def wrong_target(root: Path) -> Path:
    return rows(root, [f"{i},{i % 3},{i % 2}" for i in range(40)])


def decimal_commas(root: Path) -> Path:
    return rows(root, [f'"{i}.234,{i % 9}",{i % 3},{"xy"[i % 2]}' for i in range(40)])


def decimal_commas_in_the_target(root: Path) -> Path:
    return rows(root, [f"{i % 5};{i % 3};{i},5" for i in range(40)], "a;b;target")


def words_as_numbers(root: Path) -> Path:
    return rows(root, [f"{i % 7},{i % 3},{'xy'[i % 2]}" for i in range(40)])


def numbers_as_classes(root: Path) -> Path:
    for i in range(40):
        draw(root / "p" / f"{i}.png", seed=i)
    return rows(root, [f"p/{i}.png,{i}" for i in range(40)], "path,age").parent


def several_labels(root: Path) -> Path:
    for i in range(12):
        draw(root / "p" / f"{i}.png", seed=i)
    return rows(root, [f"p/{i}.png,{('a;b', 'a', 'b')[i % 3]}" for i in range(12)], "path,label").parent


def soft_labels(root: Path) -> Path:
    for i in range(12):
        draw(root / "p" / f"{i}.png", seed=i)
    return rows(root, [f"p/{i}.png,0.{i % 9},0.{9 - i % 9}" for i in range(12)], "path,cat,dog").parent


def shares_in_coco(root: Path) -> Path:
    def change(tree: dict[str, Any]) -> None:
        for entry in tree["annotations"][:3]:
            entry["bbox"] = [0.1, 0.2, 0.3, 0.4]

    return changed_coco(root, change)


def pixels_in_yolo(root: Path) -> Path:
    root.mkdir()
    for file in (LAYOUTS["yolo_boxes"](root) / "labels" / "train").iterdir():
        file.write_text("0 0.5 0.5 0.2 0.2\n1 20 12 8 9\n")
    return root


def repeated_coco_id(root: Path) -> Path:
    return changed_coco(root, lambda tree: tree["images"][1].update(id=tree["images"][0]["id"]))


def unlisted_coco_id(root: Path) -> Path:
    return changed_coco(root, lambda tree: tree["annotations"][0].update(image_id=999))


REFUSED: list[tuple[int, Make, tuple[str, ...], str]] = [
    (1, empty_folder, (), r"this folder is empty.*DATA/<class>/\*\.jpg"),
    (2, one_class, (), "one class"),
    (4, only_in_test, (), r"in the test part only.*wasp \(3\)"),
    (22, link_loop, (), "leads to a folder above itself"),
    (25, slipping_zip, (), "a name that leads out of it"),
    (25, absolute_tar, (), "a name that leads out of it"),
    (25, linking_tar, (), "a link or a device"),
    (26, bomb, (), "as a bomb does"),
    (26, nested_bomb, (), "an archive inside another one is never unpacked"),
    (36, wrong_target, ("data.target=prize",), "no column named 'prize'.*a, b, target"),
    (40, decimal_commas, (), r"column 'a' have a decimal comma.*0\.234,0.*data\.ignore=a"),
    (40, decimal_commas_in_the_target, (), "column 'target' have a decimal comma"),
    (41, words_as_numbers, ("task=tabular_regression",), "the target is no number.*task=tabular_classification"),
    (41, numbers_as_classes, (), r"40 distinct whole numbers.*task=image_classification, task=image_regression"),
    (42, several_labels, ("task=image_classification",), "several classes a sample.*task=image_multilabel"),
    (42, soft_labels, ("data.target=cat,dog",), "soft labels.*a number"),
    (45, shares_in_coco, (), r"in shares of the sides where pixels are meant; got 3 of 6 boxes"),
    (45, pixels_in_yolo, (), r"in pixels where shares of the sides are meant; got 4 of 8 boxes"),
    (47, repeated_coco_id, (), "several pictures have one id.*id 1"),
    (47, unlisted_coco_id, (), r"does not list; got image_id 999 \(1 boxes\)"),
]


@pytest.mark.parametrize(("row", "make", "words", "says"), REFUSED, ids=[f"{r[0]}-{r[1].__name__}" for r in REFUSED])
def test_refused_in_one_line_before_anything_is_trained(
    row: int, make: Make, words: tuple[str, ...], says: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = make(tmp_path / "data")
    before = sorted(tmp_path.rglob("*"))
    code, answer, said = audit(path, tmp_path / "runs", capfd, *words)
    *_, line = said.splitlines()
    assert (code, answer) == (2, None)
    assert line.startswith("goodfit: ")
    assert re.search(says, line), line
    left = [p for p in sorted(tmp_path.rglob("*")) if tmp_path / "runs" not in (p, *p.parents)]
    assert left == before  # nothing lost, nothing written beside the data


# ---- rows that are put aside or told --------------------------------------------------------------------------------


def lonely_class(root: Path) -> Path:
    return pictures(root, {"ant": 10, "bee": 10, "wasp": 1})


def empty_class(root: Path) -> Path:
    (pictures(root) / "wasp").mkdir()
    return root


def alike_names(root: Path) -> Path:
    return pictures(root, {"Cat": 8, "cat ": 8, "ＣＡＴ": 8})


def broken_files(root: Path) -> Path:
    pictures(root)
    jpeg = io.BytesIO()
    Image.fromarray(noise(90, 64, 64)).save(jpeg, "JPEG")
    (root / "ant" / "text.jpg").write_text("<html>not found</html>")
    (root / "ant" / "none.jpg").touch()
    (root / "bee" / "half.jpg").write_bytes(jpeg.getvalue()[:900])
    return root


def odd_modes(root: Path) -> Path:
    pictures(root)
    picture = Image.fromarray(noise(91))
    picture.convert("CMYK").save(root / "ant" / "c.jpg")
    picture.convert("P").save(root / "ant" / "p.png")
    picture.convert("1").save(root / "bee" / "b.png")
    Image.fromarray((noise(92)[..., 0].astype(np.uint16)) * 256).save(root / "bee" / "d.png")
    frames = [Image.fromarray(noise(93 + k)) for k in range(3)]
    frames[0].save(root / "bee" / "g.gif", save_all=True, append_images=frames[1:])
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(noise(97)).save(root / "ant" / "turned.jpg", exif=exif)
    return root


def huge_and_tiny(root: Path) -> Path:
    pictures(root)
    (root / "ant" / "huge.png").write_bytes(png_bomb(40_000, 40_000))
    (root / "ant" / "wide.png").write_bytes(png_bomb(12_000, 9_000))  # 108 megapixels
    draw(root / "bee" / "dot.png", 98, 1, 1)
    draw(root / "bee" / "strip.png", 99, 1, 5000)
    return root


def blank(root: Path) -> Path:
    Image.new("RGB", (24, 24)).save(pictures(root) / "ant" / "black.png")
    return root


def copies(root: Path) -> Path:
    """Once more in its class, once under another, once in test."""
    pictures(root / "train")
    folders(root / "test", {"ant": 4, "bee": 4}, first=900)
    for source, target in (("ant/000", "ant/copy"), ("ant/001", "bee/other")):
        (root / "train" / f"{target}.png").write_bytes((root / "train" / f"{source}.png").read_bytes())
    (root / "test" / "bee" / "leak.png").write_bytes((root / "train" / "bee" / "003.png").read_bytes())
    return root


def patients(root: Path) -> Path:
    seed = 0
    for part, first in (("train", 0), ("test", 6)):
        for name in ("ant", "bee"):
            for patient in range(6):
                for k in range(first, first + 3):
                    draw(root / part / name / f"{name}_patient{patient}_{k}.png", seed := seed + 1)
    return root


def junk(root: Path) -> Path:
    for name in ("Thumbs.db", ".DS_Store", "._x.jpg"):
        (pictures(root, {"ant": 10, "bee": 10}) / "ant" / name).write_bytes(b"x")
    return root


def link_out(root: Path) -> Path:
    (pictures(root) / "ant" / "out.png").symlink_to(draw(root.parent / "elsewhere" / "x.png", 77))
    return root


def strange_names(root: Path) -> Path:
    names = ("line\nbreak", "<script>alert(1)</script>".replace("/", "∕"), "\u202eright", "x" * 250)
    classes = ("=cmd()|x", "CON", "..‥..x")
    for k, name in enumerate(classes):
        for i in range(8):
            draw(root / name / f"{names[i % 4][:240]}{i}.png", seed=20 * k + i)
    return root


def ragged(root: Path) -> Path:
    return rows(root, [f"{i % 7},{i % 3},{'xy'[i % 2]}" + (",9" if i == 5 else "") for i in range(40)])


def utf16(root: Path) -> Path:
    file = rows(root, [f"{i % 7},{i % 3},{'xy'[i % 2]}" for i in range(40)])
    file.write_bytes(file.read_text().encode("utf-16"))
    return file


def latin_and_nul(root: Path) -> Path:
    file = rows(root, [f"{i % 7},{i % 3},{'xü'[i % 2]}" for i in range(40)])
    file.write_bytes(file.read_text().replace("3,0,", "3\0,0,").encode("latin-1"))
    return file


def surrogates(root: Path) -> Path:
    return reviews(root, lambda i, text: f"{text} \ud800 \0 end" if i == 3 else text)


def blank_text(root: Path) -> Path:
    return reviews(root, lambda i, text: " \n\t " if i == 4 else text)


def long_text(root: Path) -> Path:
    return reviews(root, lambda i, text: "many words " * 400 if i == 4 else text)


def markup(root: Path) -> Path:
    return reviews(root, lambda i, text: text.replace(" ", "<br /><br />", 3) if i % 4 == 0 else text)


def rating(root: Path) -> Path:
    return reviews(root, lambda i, text: f"{text} verdict{'ten' if i % 2 == 0 else 'one'}")


def telling_column(root: Path) -> Path:
    rng = np.random.default_rng(0)
    return rows(root, [f"{i % 2 + rng.uniform(0, 0.4):.3f},{i % 3},{'xy'[i % 2]}" for i in range(80)])


def missing_marks(root: Path) -> Path:
    rng = np.random.default_rng(0)
    cells = [("NA", "-", "?", "")[i // 3 % 4] if i % 3 == 0 else f"{rng.normal():.3f}" for i in range(80)]
    return rows(root, [f"{cell},{rng.integers(5)},{'xy'[rng.integers(2)]}" for cell in cells])


def endless_numbers(root: Path) -> Path:
    rng = np.random.default_rng(0)
    cells = [{3: "1e400", 4: "inf"}.get(i, f"{rng.normal():.3f}") for i in range(200)]
    return rows(root, [f"{cell},{rng.integers(5)},{'xy'[rng.integers(2)]}" for cell in cells])


def hidden_labels(root: Path) -> Path:
    for part, count in (("train", 24), ("test", 6)):
        for i in range(count):
            draw(root / "p" / f"{part}{i}.png", seed=i + 100 * (part == "test"))
        lines = [f"p/{part}{i}.png,{'ab'[i % 2] if part == 'train' else -1}" for i in range(count)]
        rows(root, lines, "path,label").rename(root / f"{part}.csv")
    return root


def in_time(root: Path) -> Path:
    rng = np.random.default_rng(0)
    days = [f"2024-{1 + i // 28:02d}-{1 + i % 28:02d}" for i in range(84)]
    return rows(root, [f"{day},{rng.integers(9)},{rng.normal():.3f}" for day in days], "day,b,target")


def faulty_boxes(root: Path) -> Path:
    faults = [[-9, 5, 20, 20], [30, 20, 5, 4], [5, 5, 0, 9]]

    def change(tree: dict[str, Any]) -> None:
        tree["images"] = [
            {"id": 100 * k + e["id"], "file_name": f"{k}{e['file_name']}", "width": 40, "height": 30}
            for k in range(5)
            for e in tree["images"]
        ]
        good = [dict(e, image_id=100 * k + e["image_id"]) for k in range(5) for e in tree["annotations"]]
        bad = [{"id": i, "image_id": 1, "category_id": 7, "bbox": box} for i, box in enumerate(faults)]
        tree["annotations"] = good + bad

    changed_coco(root, change)
    for k in range(5):
        for i, name in enumerate("abcd"):
            draw(root / "train2017" / f"{k}{name}.png", 10 * k + i, 30, 40)
    return root


def uneven(root: Path) -> Path:
    return rows(root, [f"{i * 37 % 101},{i % 5},{'rare' if i % 100 == 7 else 'usual'}" for i in range(1100)])


TOLD: list[tuple[int, Make, set[str], dict[str, str]]] = [
    (3, lonely_class, {"GF-D007"}, {}),
    (5, empty_class, {"GF-D006"}, {}),
    (6, alike_names, {"GF-D018"}, {}),
    (7, broken_files, {"GF-D001"}, {"text.jpg": "not_image", "none.jpg": "zero_byte", "half.jpg": "truncated"}),
    (10, odd_modes, {"GF-D009", "GF-D010", "GF-D011"}, {}),
    (13, huge_and_tiny, set(), {"huge.png": "bomb", "wide.png": "bomb", "dot.png": "tiny", "strip.png": "odd_aspect"}),
    (16, blank, {"GF-D019"}, {}),
    (17, copies, {"GF-D003", "GF-D004", "GF-D005"}, {}),
    (20, patients, {"GF-D022"}, {}),
    (21, junk, {"GF-D002"}, {}),
    (22, link_out, set(), {"out.png": "outside"}),
    (23, strange_names, set(), {}),
    (30, ragged, {"GF-D016"}, {}),
    (31, utf16, {"GF-D017"}, {}),
    (31, latin_and_nul, {"GF-D017"}, {}),
    (32, surrogates, set(), {}),
    (33, blank_text, {"GF-D001"}, {"4.txt": "empty"}),
    (34, long_text, {"GF-D043"}, {}),
    (35, markup, {"GF-D042"}, {}),
    (37, rating, {"GF-D041"}, {}),
    (38, telling_column, {"GF-D034"}, {}),
    (39, missing_marks, {"GF-D132"}, {}),
    (40, endless_numbers, {"GF-D038"}, {}),
    (43, hidden_labels, {"GF-D014"}, {}),
    (44, in_time, {"GF-D133"}, {}),
    (45, faulty_boxes, {"GF-D050", "GF-D052"}, {}),
    (50, uneven, {"GF-D013"}, {}),
]


@pytest.mark.parametrize(("row", "make", "codes", "aside"), TOLD, ids=[f"{r[0]}-{r[1].__name__}" for r in TOLD])
def test_put_aside_or_told_and_the_work_goes_on(
    row: int,
    make: Make,
    codes: set[str],
    aside: dict[str, str],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(texts, "LONGEST", 3000)  # of a text, so that a long one is quickly made
    monkeypatch.setattr("goodfit.audit.texts.LONGEST", 3000)
    code, answer, said = audit(make(tmp_path / "data"), tmp_path / "runs", capfd)
    assert code == 0, said
    found = {entry["code"] for entry in answer["findings"]}
    assert codes <= found
    quarantined = {entry["id"].rpartition("/")[2]: entry["fault"] for entry in answer["quarantined"]}
    assert aside.items() <= quarantined.items()
    if not codes and not aside:
        assert quarantined == {}
    page = Path(answer["page"]).read_text("utf-8")
    assert "<script>alert" not in page
    assert "\u202e" not in said


def test_file_that_may_not_be_read_is_put_aside_with_its_reason(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Row 27."""
    if os.getuid() == 0:
        pytest.skip("the superuser may read everything")
    (pictures(tmp_path / "data") / "ant" / "000.png").chmod(0)
    _, answer, _ = audit(tmp_path / "data", tmp_path / "runs", capfd)
    assert answer["quarantined"] == [{"id": "ant/000.png", "fault": "permission"}]


def test_archive_that_the_disk_cannot_hold_is_refused_before_a_byte_is_written(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Row 49."""
    import shutil
    from collections import namedtuple

    path = zipped(tmp_path / "data", {f"{name}/{i}.png": png(i) for name in "ab" for i in range(8)})
    usage = namedtuple("usage", "total used free")(100, 90, 10)
    monkeypatch.setattr(archives.shutil, "disk_usage", lambda folder: usage)
    assert shutil.disk_usage(tmp_path).free == 10
    code, _, said = audit(path, tmp_path / "runs", capfd)
    assert code == 2
    assert re.search("disk is too small.*GOODFIT_CACHE", said.splitlines()[-1])


def test_refusals_speak_chinese_where_findings_do(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Row 39, in the other language."""
    code, answer, said = audit(missing_marks(tmp_path / "data"), tmp_path / "runs", capfd, lang="zh")
    assert code == 0
    assert "用多种写法表示缺失" in said


# ---- the page -------------------------------------------------------------------------------------------------------


def rows_of_the_page() -> dict[int, list[str]]:
    """Row -> the tests that the page names for it."""
    found = {}
    for line in PAGE.read_text("utf-8").splitlines():
        if match := re.match(r"\| (\d+) \|", line):
            found[int(match[1])] = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", line)
    return found  # type: ignore[return-value]


def test_page_has_every_row_that_concerns_data_and_its_tests_exist() -> None:
    page = rows_of_the_page()
    assert set(page) == set(range(1, 53)) - NOT_YET
    for row, named in page.items():
        assert named, f"row {row} names no test"
        for file, test in named:
            tree = ast.parse((HERE.parent / file).read_text("utf-8"))
            assert test in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}, (row, test)


def test_rows_tried_here_stand_on_the_page() -> None:
    page = rows_of_the_page()
    for row, name in [(r[0], "test_refused_in_one_line_before_anything_is_trained") for r in REFUSED] + [
        (r[0], "test_put_aside_or_told_and_the_work_goes_on") for r in TOLD
    ]:
        assert ("tests/test_bad_input.py", name) in page[row], row
