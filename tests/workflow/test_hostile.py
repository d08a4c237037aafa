"""Names that attack: classes, files and folders full of markup, formulas, control characters and paths."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path

from .tiny import COLOURS, QUICK, Shell, picture

CLASSES = ("<img src=x onerror=alert(1)>", "..\\..\\x\n=cmd()", '"><svg onload=alert(2)>&lt;b&gt;{{7*7}}')


class Reader(HTMLParser):
    """Counts what would run: elements, their event handlers, and what they load."""

    def __init__(self) -> None:
        super().__init__()
        self.handlers: list[str] = []
        self.loads: list[str] = []
        self.scripts = 0
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.scripts += tag == "script"
        self.handlers += [name for name, _ in attrs if name.startswith("on")]
        self.loads += [value or "" for name, value in attrs if name in ("src", "href", "data", "action")]

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def hostile(root: Path) -> Path:
    seed = 0
    for name, colour in zip(CLASSES, COLOURS.values(), strict=True):
        folder = root / name
        folder.mkdir(parents=True)
        for i in range(16):
            picture(colour, seed).save(folder / f"<b onclick=alert({i})>\n\u202e\x1b[31m{i}'\".png")
            seed += 1
        (folder / "<i>broken.png").write_bytes(b"no picture")
    return root


def test_hostile_names_train_report_and_predict_without_a_word_unescaped(tmp_path: Path, goodfit: Shell) -> None:
    data = hostile(tmp_path / "<u>data")
    said = goodfit("fit", data, *QUICK, "--budget", "5m")
    page = (said.study / "report.html").read_text("utf-8")
    reader = Reader()
    reader.feed(page)
    assert reader.handlers == []
    assert all(load.startswith(("#", "data:image/", "runs/")) for load in reader.loads)
    assert reader.scripts == 1
    assert not any(tag in page for tag in ("<img src=x", "<b onclick", "<i>broken", "<u>data", "<svg onload"))
    assert "{{7*7}}" in page or "{{7*7}}" in "".join(reader.text)
    assert any("onerror=alert(1)" in text for text in reader.text)
    assert json.loads((said.study / "study.json").read_text("utf-8"))["classes"]
    assert len((said.study / "ledger.jsonl").read_text("utf-8").splitlines()) > 5
    assert said.study.parent == tmp_path / "runs"
    refused = goodfit("audit", data).answer["quarantined"]
    assert len(refused) == 3
    file = next((data / CLASSES[0]).glob("*.png"))
    answers = goodfit("predict", said.answer["model"], file).answer
    assert answers["label"] in CLASSES


def test_person_sees_hostile_names_on_one_line_each(tmp_path: Path, goodfit: Shell) -> None:
    said = goodfit("audit", hostile(tmp_path / "data"))
    assert "\u202e" not in said.err
    assert "\x1b" not in said.err
    assert not any(line.lstrip().startswith("=cmd()") for line in said.err.splitlines())
