"""The flags of every verb are pinned: a new knob belongs into the recipe, and a lost one breaks scripts."""

from __future__ import annotations

import pytest

from goodfit.cli.flags import FLAGS, OWN, parse
from goodfit.cli.verbs import VERBS
from goodfit.core.errors import UsageError

COMMON = ["budget", "device", "runs", "seed", "json", "lang", "where", "recipe", "new", "yes"]
HEEDED = {
    "fit": "budget device json lang new recipe runs seed where",
    "audit": "budget json lang recipe runs seed",
    "scene": "budget device json lang recipe runs seed",
    "plan": "budget device json lang recipe runs seed",
    "train": "budget device json lang new recipe runs seed where",
    "diagnose": "json lang",
    "improve": "budget json lang where",
    "evaluate": "device json lang",
    "predict": "device json lang",
    "report": "json lang",
    "env": "json lang",
    "clean": "json lang yes",
}
VALUES = {"budget": "1m", "device": "cpu", "runs": "r", "seed": "1", "lang": "en", "where": "here", "recipe": "r.yaml"}


def test_common_flags_are_pinned() -> None:
    assert list(FLAGS) == COMMON


def test_verbs_are_pinned() -> None:
    assert list(VERBS) == list(HEEDED)


@pytest.mark.parametrize("verb", HEEDED)
def test_flags_that_a_verb_heeds_are_pinned(verb: str) -> None:
    assert " ".join(sorted(VERBS[verb].heeds)) == HEEDED[verb]


@pytest.mark.parametrize("verb", HEEDED)
def test_every_verb_accepts_every_common_flag_and_no_other(verb: str) -> None:
    argv = [word for flag in COMMON for word in ([f"--{flag}", VALUES[flag]] if flag in VALUES else [f"--{flag}"])]
    words, given = parse(verb, ["DATA", *argv, "train.lr=1"])
    assert words == ("DATA", "train.lr=1")
    assert sorted(given) == sorted(COMMON)
    with pytest.raises(UsageError, match="no flag --epochs"):
        parse(verb, ["DATA", "--epochs", "3"])


def test_a_flag_of_one_verb_stands_anywhere_and_nowhere_else() -> None:
    assert OWN == {
        "audit": {"fix": ("relabel",)},
        "scene": {"ask": ()},
        "predict": {"format": ("csv", "coco", "label_studio")},
    }
    for argv in (["--fix", "DATA"], ["DATA", "--fix"], ["DATA", "--fix", "--json"]):
        words, given = parse("audit", argv)
        assert words == ("DATA",)
        assert given["fix"] == ""
    assert parse("audit", ["--fix", "relabel", "DATA"]) == (("DATA",), {"fix": "relabel"})
    assert parse("audit", ["DATA", "--fix=relabel"]) == (("DATA",), {"fix": "relabel"})
    with pytest.raises(UsageError, match=r"no flag --fixx.*Did you mean '--fix'"):
        parse("audit", ["--fixx"])
    with pytest.raises(UsageError, match="no flag --fix"):
        parse("fit", ["--fix"])
