"""Every verb on texts: fit, train, plan, audit, evaluate, predict, in the terms of the command line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from goodfit.core.errors import DataError

from ..models.test_hub import BERT, folder
from .tiny import Shell, same

FILLER = "the a of and film story plot actor scene music long short night day house".split()
FORM = ("engine.precision=fp32", "engine.threads=1")


def reviews(path: Path, n: int, seed: int, cues: tuple[str, ...] = ("good", "bad")) -> Path:
    """A table of texts whose label one word gives away."""
    random = np.random.default_rng(seed)
    lines = ["text,label"]
    for i in range(n):
        cue = cues[i % len(cues)]
        chosen = [*random.choice(FILLER, 9), cue, *random.choice(FILLER, 4), str(seed), str(i)]
        lines.append(f'"{" ".join(chosen)}",{cue}')
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def data(tmp_path: Path) -> Path:
    reviews(tmp_path / "d" / "train.csv", 160, 0)
    reviews(tmp_path / "d" / "test.csv", 60, 1)
    return tmp_path / "d"


def test_fit_of_the_floor_answers_and_is_asked_again(goodfit: Shell, data: Path, tmp_path: Path) -> None:
    said = goodfit("fit", data, "model.name=linear", "--budget", "60s", *FORM)
    assert said.answer["task"] == "text_classification"
    assert said.answer["family"] == "linear"
    assert said.answer["test"]["value"] == 1.0
    assert (said.study / "report.html").is_file()
    scored = goodfit("evaluate", said.study, data)
    assert scored.answer["test"]["value"] == 1.0
    (tmp_path / "one.txt").write_text("a long night of good music")
    (tmp_path / "none.txt").write_text("  ")
    asked = (tmp_path / "one.txt", data / "test.csv", tmp_path / "none.txt")
    said = goodfit("predict", said.study, *asked, code=2)
    rows = [json.loads(line) for line in said.out.splitlines()]
    assert rows[0]["label"] == "good"
    assert 0.5 < rows[0]["probability"] <= 1
    assert len(rows) == 62
    assert rows[1]["input"].endswith("test.csv:2")
    assert "empty" in rows[-1]["error"]


def test_rows_without_labels_are_answered_by_the_columns_that_were_learnt(goodfit: Shell, tmp_path: Path) -> None:
    rows = ["uid,head,body,kind"]
    for i, line in enumerate(reviews(tmp_path / "a.csv", 80, 0).read_text().splitlines()[1:]):
        text, _, label = line.rpartition(",")
        rows.append(f"{i},a much longer head that says nothing of it at all {i},{text},{label}")
    (tmp_path / "train.csv").write_text("\n".join(rows))
    keys = ("task=text_classification", "data.input=body", "data.target=kind", "model.name=linear")
    said = goodfit("fit", tmp_path / "train.csv", *keys, "--budget", "60s", *FORM)
    texts = ["good film", "", "bad plot"]
    new = [f"{i},another long head of many words that is bad,{text}" for i, text in enumerate(texts)]
    (tmp_path / "new.csv").write_text("\n".join(["uid,head,body", *new]))
    answers = goodfit("predict", said.study, tmp_path / "new.csv", code=2).out.splitlines()
    found = [json.loads(line) for line in answers]
    assert [row.get("label") for row in found] == ["good", "bad", None]
    assert "empty" in found[2]["error"]
    (tmp_path / "other.csv").write_text("uid,head\n1,no body here")
    assert "body" in goodfit("predict", said.study, tmp_path / "other.csv", code=2).out
    lines = ["__label__good a good day", "__label__bad a bad day"]
    (tmp_path / "lines.txt").write_text("\n".join(lines))
    found = [json.loads(line) for line in goodfit("predict", said.study, tmp_path / "lines.txt").out.splitlines()]
    assert [row["label"] for row in found] == ["good", "bad"]
    scored = goodfit("evaluate", said.study, tmp_path / "train.csv")
    assert scored.answer["test"]["n"] == 80


def test_a_pretrained_model_of_few_tokens_goes_through_every_verb(goodfit: Shell, data: Path, tmp_path: Path) -> None:
    weights = folder(tmp_path / "bert", BERT)
    words = (f"model.weights={weights}", "train.epochs=1", *FORM)
    rungs = {row["rung"]: row for row in goodfit("plan", data, *words).answer["candidates"]}
    assert rungs["whole"]["parameters"] > 0
    said = goodfit("train", data, *words)
    assert said.answer["family"] == "bert"
    assert goodfit("evaluate", said.study, data).answer["test"]["n"] == 60
    (tmp_path / "one.txt").write_text("a long night of good music")
    assert json.loads(goodfit("predict", said.study, tmp_path / "one.txt").out)["label"] in ("good", "bad")


def test_a_tokenizer_that_is_not_the_models_own_is_an_error(goodfit: Shell, data: Path, tmp_path: Path) -> None:
    weights = folder(tmp_path / "bert", BERT)
    more = [*(weights / "vocab.txt").read_text().splitlines(), *(f"w{i}" for i in range(40)), *FILLER]
    (weights / "vocab.txt").write_text("\n".join(more))
    said = goodfit("train", data, f"model.weights={weights}", "train.epochs=1", *FORM, code=1)
    assert "no vector for" in said.err
    assert "below 60" in said.err


@pytest.mark.parametrize("name", ["linear", "textcnn", "gru", "text_transformer"])
def test_training_is_the_same_each_time_and_is_not_repeated(goodfit: Shell, data: Path, name: str) -> None:
    words = ("train", data, f"model.name={name}", "train.epochs=1", "model.width=32", *FORM)
    first, again = goodfit(*words), goodfit(*words)
    assert again.answer["study"] == first.answer["study"]
    new = goodfit(*words, "--new")
    assert new.answer["study"] != first.answer["study"]
    assert same(first.weights, new.weights)


def test_ladder_starts_at_the_floor_and_tries_other_families(goodfit: Shell, tmp_path: Path) -> None:
    file = reviews(tmp_path / "a.csv", 400, 3)
    noise = np.random.default_rng(0)
    lines = file.read_text().splitlines()  # a third of the good ones called bad, so that the floor is not perfect
    lines[1:] = [
        line.replace(",good", ",bad") if noise.random() < 0.3 and line.endswith(",good") else line for line in lines[1:]
    ]
    file.write_text("\n".join(lines))
    said = goodfit("fit", file, "--budget", "12s", "model.width=32", *FORM)
    ledger = [json.loads(line) for line in (said.study / "ledger.jsonl").read_text().splitlines()]
    tried = [line["numbers"]["rung"] for line in ledger if line.get("key", "").endswith(".plan")]
    assert tried[0] == "linear"
    assert any(line.get("why") in ("ladder.other_family", "ladder.unaffordable") for line in ledger)


def test_plan_and_audit_speak_of_texts(goodfit: Shell, data: Path) -> None:
    plan = goodfit("plan", data)
    assert [c["rung"] for c in plan.answer["candidates"]] == ["linear", "textcnn", "gru", "text_transformer"]
    audit = goodfit("audit", data)
    assert audit.answer["counts"]["test"] == 60


def test_regression_of_texts(goodfit: Shell, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    lines = ["text,score"]
    for i in range(160):
        good = random.integers(0, 4)
        chosen = [*random.choice(FILLER, 6), *["good"] * good, *["bad"] * (3 - good), str(i)]
        lines.append(f'"{" ".join(chosen)}",{good + 0.5}')
    (tmp_path / "a.csv").write_text("\n".join(lines))
    said = goodfit("fit", tmp_path / "a.csv", "model.name=linear", "--budget", "60s", *FORM)
    assert said.answer["task"] == "text_regression"
    assert said.answer["test"]["value"] < 0.8


def test_model_of_texts_refuses_data_of_other_classes(goodfit: Shell, data: Path, tmp_path: Path) -> None:
    said = goodfit("fit", data, "model.name=linear", "--budget", "60s", *FORM)
    other = reviews(tmp_path / "b.csv", 40, 2, ("good", "odd"))
    assert "odd" in goodfit("evaluate", said.study, other, code=DataError.exit_code).err
