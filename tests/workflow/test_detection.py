"""Every verb on boxes: audit, plan, train, evaluate, predict, report, in the terms of the command line."""

from __future__ import annotations

import json
from pathlib import Path

from ..tasks.rectangles import draw_rectangles
from .tiny import Shell

FORM = ("engine.precision=fp32", "engine.threads=1", "model.size=64", "model.name=det_xs")


def test_boxes_go_through_every_verb(goodfit: Shell, tmp_path: Path) -> None:
    data = draw_rectangles(tmp_path / "boxes", 60)
    told = goodfit("audit", data).answer
    assert told["task"] == "detection"
    assert set(told["class_counts"][""]) == set(told["picture_counts"][""]) == {"blue", "red"}
    assert goodfit("plan", data, *FORM).answer["recipe"]["model.name"] == "det_xs"
    said = goodfit("train", data, *FORM, "train.epochs=4", "train.refit=true")
    assert (said.answer["task"], said.answer["primary"], said.answer["family"]) == ("detection", "map", "fcos")
    assert 0 <= said.answer["val"]["low"] <= said.answer["val"]["value"] <= said.answer["val"]["high"] <= 1
    page = (said.study / "report.html").read_text()
    assert "data:image/png;base64," in page
    assert "<rect" in page  # boxes drawn over the worst pictures
    again = goodfit("train", data, *FORM, "train.epochs=4", "train.refit=true")
    assert again.answer == said.answer  # asked again, it says again
    scored = goodfit("evaluate", said.study, data).answer
    assert scored["test"]["n"] == 60
    picture = data / "images" / "00.png"
    found = json.loads(goodfit("predict", said.study, picture).out)
    assert found["input"] == str(picture)
    assert all(
        box["label"] in ("blue", "red") and 0 <= box["box"][0] < box["box"][2] <= 64 and 0 < box["probability"] <= 1
        for box in found["boxes"]
    )
    (tmp_path / "broken.png").write_text("no picture")
    assert "error" in goodfit("predict", said.study, tmp_path / "broken.png", code=2).out
