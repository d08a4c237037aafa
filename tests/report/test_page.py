"""The page: whole, safe, in both languages, whatever the study folder holds or lacks."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest
from study_fixture import make_cut, make_labels, make_lone_train, make_numbers, make_study

from goodfit.core.errors import UsageError
from goodfit.report import write
from goodfit.report.page import render
from goodfit.report.story import read

HOSTILE = (
    "<img src=x onerror=alert(1)>",
    '"><script>alert(2)</script>',
    "'onmouseover='alert(3)",
    "a\nb\x00\u202etxt",
    "{{ 7*7 }}",
    "</title></svg>&lt;b&gt;",
    "=cmd()|' /C calc'!A0",
)
VOID = {"meta", "input", "img", "br"}
TAGS = set(
    "html head meta title style body header span fieldset legend input label main section p h1 h2 h3 a small b i "
    "strong figure div figcaption dl dt dd nav ol ul li table thead tbody tr th td details summary code pre time "
    "article footer script img svg line rect circle path text".split()
)
Maker = Callable[[Path], Path]


class Page(HTMLParser):
    """Reads a page strictly: every element closed in order, ids once; keeps what the tests ask for."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[tuple[str, dict[str, str | None]]] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[tuple[str, str]] = []
        self.feed(text)
        self.close()
        assert not self.open, f"left open: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open[-1][0] == tag, f"</{tag}> closes {self.open[-1:]}"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        if data.strip() and self.open and self.open[-1][0] not in ("style", "script"):
            langs = [a["lang"] for t, a in self.open if "lang" in a and t != "html"]
            self.words.append((langs[-1] or "" if langs else "", data))

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [a for t, a in self.tags if t == tag]


@pytest.mark.parametrize("make", [make_study, make_lone_train, make_cut, make_numbers, make_labels])
def test_page_of_every_kind_of_study_is_whole(make: Maker, tmp_path: Path) -> None:
    page = Page(write(make(tmp_path / "study"), "en").read_text("utf-8"))
    assert {tag for tag, _ in page.tags} <= TAGS
    ids = [a["id"] for _, a in page.tags if "id" in a]
    assert len(ids) == len(set(ids))
    anchors = {a["href"][1:] for a in page.of("a") if (a["href"] or "").startswith("#")}  # type: ignore[index]
    assert anchors <= set(ids)
    labels = {a["aria-labelledby"] for a in page.of("svg") if "aria-labelledby" in a}
    assert labels <= set(ids)


def test_hostile_names_stay_text(tmp_path: Path) -> None:
    folder = make_study(tmp_path / "study", classes=HOSTILE)
    plain = Page(write(make_study(tmp_path / "other"), "en").read_text("utf-8"))
    page = Page(write(folder, "en").read_text("utf-8"))
    assert {tag for tag, _ in page.tags} <= TAGS
    assert len(page.of("script")) == 1
    assert not [a for _, a in page.tags if any(name.startswith("on") or name == "style" for name in a)]
    assert len(page.of("img")) == len(plain.of("img"))
    assert any("<img src=x onerror=alert(1)>" in data for _, data in page.words)
    assert any("a\\nb\\x00\\u202etxt" in data for _, data in page.words)
    assert any("{{ 7*7 }}" in data for _, data in page.words)


def test_hostile_findings_ledger_and_study_stay_text(tmp_path: Path) -> None:
    folder = make_study(tmp_path / "study")
    evil = HOSTILE[0] + HOSTILE[1]
    for name in ("study.json", "ledger.jsonl", "findings.json", "audit.json", "experiments.json"):
        text = (folder / name).read_text("utf-8")
        for word in (
            "class folders with train and test",
            "faster in the probe",
            "accuracy",
            "truncated",
            "dropout",
            "0.1.0",
        ):
            text = text.replace(word, evil.replace('"', '\\"'))
        (folder / name).write_text(text, "utf-8")
    page = Page(write(folder, "zh").read_text("utf-8"))
    assert {tag for tag, _ in page.tags} <= TAGS
    assert len(page.of("script")) == 1


def test_page_fetches_nothing_and_its_policy_allows_only_its_own_style_and_script(study: Path) -> None:
    text = render(read(study))
    page = Page(text)
    policy = next(a["content"] for a in page.of("meta") if a.get("http-equiv") == "Content-Security-Policy") or ""
    assert policy.startswith("default-src 'none'; img-src data:;")
    for tag in ("style", "script"):
        inside = re.search(f"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        assert inside is not None
        digest = base64.b64encode(hashlib.sha256(inside[1].encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert all((a["src"] or "").startswith("data:image/") for a in page.of("img"))
    assert not [a["href"] for a in page.of("a") if re.match(r"[a-z]+:|//", a["href"] or "")]
    assert "http" not in re.sub(r"http-equiv|<(style|script)>.*?</\1>", "", text, flags=re.DOTALL)


def test_both_languages_are_there_pair_by_pair(study: Path) -> None:
    page = Page(render(read(study)))
    english = [data for lang, data in page.words if lang == "en"]
    chinese = [data for lang, data in page.words if lang == "zh"]
    assert len(english) > 200
    assert abs(len(english) - len(chinese)) < 0.2 * len(english)
    assert sum(bool(re.search(r"[\u4e00-\u9fff]", data)) for data in chinese) > 0.8 * len(chinese)
    assert not [data for data in english if re.search(r"[\u4e00-\u9fff]", data)]
    spans = re.findall(r'<span lang="(en|zh)">', render(read(study)))
    assert spans[::2] == ["en"] * (len(spans) // 2)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_language_asked_for_is_the_one_shown_first(study: Path, lang: str) -> None:
    page = Page(render(read(study), lang))
    assert page.of("html")[0]["lang"] == lang
    assert [a["value"] for a in page.of("input") if "checked" in a] == [lang]


def test_final_figure_with_interval_and_n_stands_at_the_top(study: Path) -> None:
    told = read(study)
    top = render(told).split("<nav")[0]
    test = told.result["test"]
    assert f"{100 * test['value']:.1f}<small>%</small>" in top
    assert f"95% interval {test['low']:.1%} to {test['high']:.1%}" in top
    assert "n\u00a0=\u00a0420" in top
    assert "opened once" in top


def test_lone_train_has_no_ladder_or_experiments_and_says_that_test_is_sealed(tmp_path: Path) -> None:
    text = render(read(make_lone_train(tmp_path / "study")))
    assert '<section id="climb"' not in text
    assert '<section id="tried"' not in text
    assert '<section id="learning"' in text
    assert "still sealed" in text


def test_a_loss_is_no_per_cent_and_every_metric_has_its_words(tmp_path: Path) -> None:
    text = render(read(make_labels(tmp_path / "study")))
    rows = text.split('id="quality"')[1].split("</table>")[0]
    assert "binary cross-entropy" in rows and "二元交叉熵" in rows
    assert ">0.31<" in rows and "0.29 – 0.33" in rows and "31.0%" not in rows
    assert "87.0%" in rows


def test_unreadable_parts_are_named_and_the_rest_is_told(tmp_path: Path) -> None:
    folder = make_study(tmp_path / "study")
    (folder / "experiments.json").write_text("[{", "utf-8")
    (folder / "runs" / "small_m-refit-5e0d" / "predictions" / "test.npz").write_bytes(b"PK\x03\x04 cut")
    text = render(read(folder))
    assert "<code>experiments.json</code>" in text
    assert "test.npz</code>" in text
    assert '<section id="quality"' in text


def test_writing_the_page_changes_no_other_file(tmp_path: Path) -> None:
    folder = make_cut(tmp_path / "study")
    before = {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    write(folder, "en")
    assert before == {p: p.read_bytes() for p in folder.rglob("*") if p.is_file() and p.name != "report.html"}


def test_inputs_that_answers_rest_on_are_bars_in_falling_order_whatever_they_are_called(tmp_path: Path) -> None:
    folder = make_numbers(tmp_path)
    result = json.loads((folder / "result.json").read_text())
    shares = {"age": 0.3, HOSTILE[1]: 0.6, "never": 0.0, **{f"column {k}": 0.001 for k in range(30)}}
    (folder / "result.json").write_text(json.dumps({**result, "importance": shares}))
    text = render(read(folder))
    Page(text)
    shown = text.split('aria-labelledby="cap-inputs"')[1].split("</svg>")[0]
    assert shown.count("<rect") == 15
    assert shown.index("alert(2)") < shown.index("age: 30.0%") and "never" not in shown
    assert "<script>alert(2)" not in text


def test_folder_without_a_study_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no study lies here"):
        write(tmp_path)


def test_every_score_of_the_metric_table_leads_to_its_run(study: Path) -> None:
    told = read(study)
    assert told.winner is not None and told.final is not None
    quality = render(told).split('id="quality"')[1].split("</table>")[0]
    assert quality.count(f'href="{told.winner.href}"') == 6
    assert quality.count(f'href="{told.final.href}"') >= 2


@pytest.mark.browser
@pytest.mark.parametrize("width", [400, 1280])
def test_browser_shows_one_language_at_a_time_and_nothing_sticks_out(study: Path, tmp_path: Path, width: int) -> None:
    from playwright.sync_api import sync_playwright

    page_file = tmp_path / "report.html"
    page_file.write_text(render(read(study), "en"), "utf-8")
    with sync_playwright() as p:
        found = Path("/usr/bin/chromium")
        browser = p.chromium.launch(executable_path=found if found.exists() else None, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": width, "height": 900})
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        page.goto(page_file.as_uri())
        visible = "e => getComputedStyle(e).display !== 'none'"
        for lang, other in (("en", "zh"), ("zh", "en")):
            page.locator(f"label[for=to-{lang}]").click()
            assert page.evaluate("document.documentElement.lang") == lang
            assert page.locator(f"body [lang={lang}]").first.evaluate(visible)
            assert not any(page.locator(f"body [lang={other}]").evaluate_all(f"es => es.map({visible})"))
            assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        assert page.evaluate("[...document.images].every(i => i.naturalWidth > 0)")
        browser.close()
    assert complaints == []
