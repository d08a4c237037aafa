"""Make docs/recipe.md from the code: every key of the recipe with its values, its default and its own sentence.

`python tests/docs/recipe_page.py` writes it anew; a test compares the two.
"""

from __future__ import annotations

import inspect
import io
import re
import tokenize
from pathlib import Path
from typing import Any, get_args

from goodfit.augment.box_options import BoxAugment
from goodfit.augment.options import ImageAugment
from goodfit.augment.text_options import TextAugment
from goodfit.core.recipe import Rebalance, Recipe, Section

PAGE = Path(__file__).resolve().parents[2] / "docs" / "recipe.md"
OPENING = """# Every key of the recipe

<!-- made by tests/docs/recipe_page.py from core/recipe.py and the options in augment/; change the sentences there -->

A recipe is all that decides a run. Keys are written as `key=value` behind a verb, or in a YAML file given by
`--recipe`; later words win. `auto` is for the plan to settle: `goodfit plan DATA` prints the value that it would take,
and why. `null` means none. A key that does not exist is an error that names the nearest one.

```
goodfit train flowers/ model.name=small_m train.lr=0.1 augment.crop_pad=4
goodfit train flowers/ --recipe runs/flowers-fit-1a2b3c4d/runs/small_m-5e6f7a8b/plan.yaml
```
"""
SECTIONS = {
    "data": "Which data, and how to read them.",
    "split": "What is held out.",
    "scene": "What can happen to the things in the pictures, in plain words. An answer decides on the operations that "
    "it speaks of; the others are tested on the data by `scene` and `fit`. `goodfit scene DATA --ask` asks for them.",
    "augment": "What chance may do to a training picture. These keys are for whole pictures; "
    "boxes and texts have their own, below. A catalogue with every source: `goodfit.augment.AUGMENTATIONS`.",
    "model": "Which network.",
    "train": "How it is trained.",
    "engine": "Where and in which form it is computed. These keys change the bits, not the method.",
    "target": "Limits: `fit` drops candidates beyond them before training, with the reason in the ledger, `train` "
    "refuses its model, `plan` says which keep them.",
    "track": "Other people's dashboards; off unless asked for.",
}
OTHERS: dict[str, type[Section]] = {"augment, of pictures with boxes": BoxAugment, "augment, of texts": TextAugment}


def page() -> str:
    """The whole page."""
    models: dict[str, type[Section]] = {name: type(getattr(Recipe(), name)) for name in SECTIONS if name != "augment"}
    models["augment"] = ImageAugment
    parts = [OPENING, "## Whole recipe\n", _table(Recipe, "", only_plain=True)]
    for name, about in SECTIONS.items():
        parts += [f"## {name}\n\n{about}\n", _table(models[name], f"{name}.")]
        if name == "augment":
            for heading, model in OTHERS.items():
                parts += [f"### {heading}\n", _table(model, "augment.")]
    return "\n".join(parts)


def sentences(model: type[Section]) -> dict[str, tuple[str, str]]:
    """Field -> (its type as written, its sentence), read from the source."""
    source = inspect.getsource(model)
    comments: dict[int, str] = {}
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            comments[token.start[0]] = token.string.removeprefix("#").strip()
    found: dict[str, tuple[str, str]] = {}
    for number, line in enumerate(source.splitlines(), 1):
        if match := re.match(r"    (\w+): (.+?) = ", line):
            found[match[1]] = (match[2], comments.get(number, ""))
    return found


def _table(model: type[Section], prefix: str, only_plain: bool = False) -> str:
    said = sentences(model)
    rows = ["| key | values | default | what it says |", "|---|---|---|---|"]
    for name, info in model.model_fields.items():
        if name in SECTIONS and only_plain:
            continue
        kind, sentence = said[name]
        rows.append(f"| `{prefix}{name}` | {_values(kind)} | `{_shown(info.default)}` | {_plain(sentence)} |")
    return "\n".join(rows) + "\n"


_WORDS = {
    "Positive": "whole number from 1",
    "Rate": "number above 0",
    "Share": "0 to below 1",
    "NonNegative": "number from 0",
    "Auto": "`auto`",
    "None": "`null`",
    "bool": "`true`, `false`",
    "str": "text",
    "int": "whole number",
    "float": "number",
    "tuple[float, float]": "two numbers such as `[0.35, 1.0]`",
    "tuple[Share, ...]": "shares such as `[0.4, 0.7]`",
    "tuple[tuple[Share, Positive], ...]": "pairs such as `[[0, 24], [0.5, 32]]`",
    "Names": "names joined by commas",
    "TestTime": "`none`, `flip`, `flip_shift`",
    "Rebalance": ", ".join(f"`{way}`" for way in get_args(Rebalance)),
    "Chance": "0 to 1",
    "Policy": "`none`, `trivial`",
    "Without": "names joined by commas",
}


def _values(kind: str) -> str:
    """The type as a reader sees it: names become words, bounds become signs."""
    return ", ".join(_one(part.strip()) for part in _split(kind))


def _one(kind: str) -> str:
    if kind in _WORDS:
        return _WORDS[kind]
    if match := re.match(r"Literal\[(.+)\]$", kind):
        return ", ".join(f"`{word.strip().strip(chr(34))}`" for word in match[1].split(","))
    match = re.match(r"Annotated\[(int|float), Field\((.+)\)\]$", kind)
    assert match, f"no words for the type {kind}: add some to {Path(__file__).name}"
    bounds = dict(part.split("=") for part in match[2].split(", "))
    signs = {"ge": "from {}", "gt": "above {}", "le": "to {}", "lt": "below {}"}
    limits = " ".join(signs[sign].format(value) for sign, value in bounds.items() if sign in signs)
    return f"{_WORDS[match[1]]} {limits}".replace("2**31", "2147483648")


def _split(kind: str) -> list[str]:
    """Parts of a union, brackets kept whole."""
    parts, depth, start = [], 0, 0
    for here, sign in enumerate(kind):
        depth += (sign in "[(") - (sign in "])")
        if sign == "|" and depth == 0:
            parts.append(kind[start:here])
            start = here + 1
    return [*parts, kind[start:]]


def _plain(sentence: str) -> str:
    return re.sub(r"\bNone\b", "`null`", sentence).replace("|", "/")


def _shown(value: Any) -> str:
    if value is None or value == ():
        return "null" if value is None else "[]"
    return str(value).lower() if isinstance(value, bool) else str(value) or '""'


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
