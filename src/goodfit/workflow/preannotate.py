"""Answers for unlabelled data as files that labelling tools read, those first that a person should look at first.

Sources: the COCO data format (Lin et al. 2014, arXiv:1405.0312); Label Studio's "Import pre-annotated data" (tasks with
predictions, rectangles in per cent, local files below /data/local-files/); CSV as goodfit's own readers take it. The
order: Lewis and Gale 1994, "A Sequential Algorithm for Training Text Classifiers" (least certain first).
"""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np

from ..core.errors import UsageError
from ..core.telling import Tell, silent
from .predict import predicted

FORMATS = ("csv", "coco", "label_studio")


@dataclass(frozen=True, kw_only=True)
class _Item:
    """One sample: its name, what it holds (picture, text or row), its answer."""

    name: str
    sample: Any
    answer: Mapping[str, Any]

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of a picture."""
        return int(self.sample.shape[1]), int(self.sample.shape[0])


def preannotate(
    model: Path, inputs: Sequence[str], how: str, *, device: str = "auto", tell: Tell = silent
) -> tuple[str, list[dict[str, Any]]]:
    """(the file's text, answers of inputs that could not be read).

    COCO names pictures relative to the folder that holds them all, into which the file belongs. Least certain samples
    come first: by the probability of the label, or of the least certain box; pictures without a box come last.

    Args:
        model: a model folder, or a study that holds one.
        inputs: files or folders.
        how: csv, coco (boxes) or label_studio.
        device: as `--device`.
    Raises: UsageError if the model or a path does not exist, or the answers have no place in this format.
    """
    items, refused = list[_Item](), list[dict[str, Any]]()
    for answer, sample in predicted(model, inputs, device=device, tell=tell):
        if "error" in answer:
            refused.append(answer)
        else:
            seen = np.empty((*sample.shape[:2], 0)) if isinstance(sample, np.ndarray) else sample  # its size is enough
            items.append(_Item(name=answer["input"], sample=seen, answer=answer))
    items.sort(key=lambda item: _certainty(item.answer))
    return {"csv": _csv, "coco": _coco, "label_studio": _label_studio}[how](items), refused


def _certainty(answer: Mapping[str, Any]) -> float:
    """0 = undecided, 1 = certain or not known."""
    if "boxes" in answer:
        return min((float(box["probability"]) for box in answer["boxes"]), default=1.0)
    if "probabilities" in answer:
        return min((2 * abs(float(p) - 0.5) for p in answer["probabilities"].values()), default=1.0)
    return float(answer.get("probability", 1.0))


# CSV ------------------------------------------------------------------------------------------------------------------


def _csv(items: Sequence[_Item]) -> str:
    rows = [row for item in items for row in _rows(item)]
    columns = list(dict.fromkeys(name for row in rows for name in row))
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def _rows(item: _Item) -> Iterable[dict[str, Any]]:
    """Rows of a sample: one a box, one with empty corners where there is none, else one."""
    said, held = item.answer, _held(item)
    if "boxes" in said:
        corners = ("xmin", "ymin", "xmax", "ymax")
        for box in said["boxes"]:
            yield {**held, **dict(zip(corners, box["box"], strict=True)), "class": box["label"], **_sure(box)}
        if not said["boxes"]:
            yield {**held, **dict.fromkeys((*corners, "class"), "")}
    elif "probabilities" in said:
        yield {**held, **{name: int(name in said["labels"]) for name in said["probabilities"]}}
    else:
        yield {**held, "label": said.get("label", said.get("value")), **_sure(said)}


def _sure(said: Mapping[str, Any]) -> dict[str, Any]:
    return {"confidence": round(said["probability"], 4)} if "probability" in said else {}


def _held(item: _Item) -> dict[str, Any]:
    """What a row says of the sample itself."""
    if isinstance(item.sample, Mapping):
        return {str(name): cell for name, cell in item.sample.items()}
    if isinstance(item.sample, str):
        return {"text": item.sample}
    return {"path": os.path.abspath(item.name)}


# COCO -----------------------------------------------------------------------------------------------------------------


def _coco(items: Sequence[_Item]) -> str:
    """Raises: UsageError for answers that are no boxes."""
    if any("boxes" not in item.answer for item in items):
        raise UsageError(
            "COCO files hold boxes, and this model gives none",
            got="coco",
            allowed="csv, label_studio",
            do="choose another format",
            where="--format",
        )
    folder = os.path.commonpath([os.path.dirname(os.path.abspath(item.name)) for item in items]) if items else "."
    labels = sorted({box["label"] for item in items for box in item.answer["boxes"]})
    number = {label: k for k, label in enumerate(labels, start=1)}
    images, annotations = list[dict[str, Any]](), list[dict[str, Any]]()
    for k, item in enumerate(items, start=1):
        name = os.path.relpath(os.path.abspath(item.name), folder).replace(os.sep, "/")
        images.append({"id": k, "file_name": name, "width": item.size[0], "height": item.size[1]})
        for box in item.answer["boxes"]:
            x1, y1, x2, y2 = box["box"]
            sides = [x1, y1, round(x2 - x1, 1), round(y2 - y1, 1)]
            found = {"id": len(annotations) + 1, "image_id": k, "category_id": number[box["label"]], "iscrowd": 0}
            area = round(sides[2] * sides[3], 1)
            annotations.append({**found, "bbox": sides, "area": area, "score": round(box["probability"], 4)})
    categories = [{"id": k, "name": label} for label, k in number.items()]
    return json.dumps({"images": images, "annotations": annotations, "categories": categories}, indent=1) + "\n"


# Label Studio ---------------------------------------------------------------------------------------------------------


def _label_studio(items: Sequence[_Item]) -> str:
    return json.dumps([_task(item) for item in items], indent=1, default=str) + "\n"


def _task(item: _Item) -> dict[str, Any]:
    """A task with its prediction; `choice` and `label` over `image` or `text` are the names in the labelling config."""
    to, said = ("image" if isinstance(item.sample, np.ndarray) else "text"), item.answer
    data = {to: _local(item.name)} if to == "image" else _held(item)
    if "boxes" in said:
        result = [_rectangle(item, box) for box in said["boxes"]]
    else:
        value, kind = ({"number": said["value"]}, "number") if "value" in said else (None, "choices")
        labels = said.get("labels", [said.get("label")])
        about = {"from_name": "choice", "to_name": to, "type": kind}
        result = [{**about, "value": value if value is not None else {"choices": labels}}]
    prediction = {"model_version": "goodfit", "score": round(_certainty(said), 4), "result": result}
    return {"data": data, "predictions": [prediction]}


def _rectangle(item: _Item, box: Mapping[str, Any]) -> dict[str, Any]:
    (x1, y1, x2, y2), (width, height) = box["box"], item.size
    place = {"x": x1 / width, "y": y1 / height, "width": (x2 - x1) / width, "height": (y2 - y1) / height}
    value = {name: round(100 * share, 3) for name, share in place.items()}
    return {
        "from_name": "label",
        "to_name": "image",
        "type": "rectanglelabels",
        "original_width": width,
        "original_height": height,
        "image_rotation": 0,
        "value": {**value, "rotation": 0, "rectanglelabels": [box["label"]]},
        "score": round(box["probability"], 4),
    }


def _local(name: str) -> str:
    """A file as Label Studio's local storage serves it, with / as its root."""
    return "/data/local-files/?d=" + quote(os.path.abspath(name).replace(os.sep, "/").lstrip("/"))
