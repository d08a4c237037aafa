"""What can happen in a scene: operations that may change what a picture is, the plain questions that decide on them,
and the ceilings that a refusal puts on the keys under `augment.`.

The operations are the catalogue's entries, each as mild as it stands there, and a few wide ones: any turn, any colour.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ..core.finding import Finding
from ..core.recipe import SceneSection
from ..core.task import Reason
from .options import ENTRIES

Answer = Literal["wanted", "allowed", "refused"]
SIDE = 32  # px that the catalogue's figures are made for
MIXED = ("mixup", "cutmix")  # the label moves along with the pixels, so nothing about the scene decides on them
TURNS, HUES = ("quarter", "half", "three_quarters"), ("hue_up", "hue_down")


@dataclass(frozen=True, kw_only=True)
class Operation:
    """Something that chance may do, as the scene is asked about it.

    Attributes:
        name: unique; that of the catalogue's entry, or of a wide operation.
        changes: keys under `augment.` that switch it on.
        off: keys that switch it off.
        views: exact views that test it (`scene_views`); empty = drawn by chance as in training.
        wide: stronger than anyone would dare without a reason; it is never on unless the scene asks for it.
    """

    name: str
    changes: Mapping[str, Any]
    off: Mapping[str, Any]
    views: tuple[str, ...] = ()
    wide: bool = False

    @property
    def is_daring(self) -> bool:
        """Whether it may make another thing of what is shown: wide ones, and mirrors, which know no mild form."""
        return self.wide or any(isinstance(value, bool) for value in self.changes.values())


@dataclass(frozen=True, kw_only=True)
class Question:
    """A plain question; its sentence lives under `scene.ask.<key>`.

    Attributes:
        key: under `scene.`.
        yes: operation -> what a yes means for it; an operation that is not named is to be measured.
        no: the same for a no.
    """

    key: str
    yes: Mapping[str, Answer] = field(default_factory=dict)
    no: Mapping[str, Answer] = field(default_factory=dict)


def _all(names: Iterable[str], answer: Answer) -> dict[str, Answer]:
    return dict.fromkeys(names, answer)


QUESTIONS = (
    Question(key="mirrors", yes=_all(["flip"], "wanted"), no=_all(["flip", "flip_vertical"], "refused")),
    Question(
        key="upside_down",
        yes=_all(["flip_vertical"], "wanted"),
        no=_all(["flip_vertical", "quarter_turns", "turn"], "refused"),
    ),
    Question(
        key="rotates",
        yes=_all(["turn"], "wanted") | _all(["quarter_turns"], "allowed"),
        no=_all(["quarter_turns", "turn"], "refused"),
    ),
    Question(
        key="tilts",
        yes=_all(["rotate"], "wanted") | _all(["shear"], "allowed"),
        no=_all(["rotate", "shear"], "refused"),
    ),
    Question(key="size_matters", yes=_all(["scale", "zoom"], "refused"), no=_all(["scale", "zoom"], "allowed")),
    Question(
        key="colour_matters",
        yes=_all(["hue", "saturation", "colour", "grey", "policy"], "refused"),
        no=_all(["hue", "saturation", "grey"], "allowed"),
    ),
    Question(key="outdoor", yes=_all(["light"], "wanted")),
)

WIDE = (
    Operation(name="turn", changes={"rotate": 180.0}, off={"rotate": 0.0}, views=TURNS, wide=True),
    Operation(name="hue", changes={"hue": 0.5}, off={"hue": 0.0}, views=HUES, wide=True),
    Operation(name="saturation", changes={"saturation": 0.9}, off={"saturation": 0.0}, wide=True),
    Operation(
        name="light",
        changes={"brightness": 0.3, "contrast": 0.3},
        off={"brightness": 0.0, "contrast": 0.0},
        wide=True,
    ),
)


def operations(side: int) -> tuple[Operation, ...]:
    """Every operation of the catalogue that moves or colours pixels, on inputs of a side, then the wide ones."""
    mild = [
        Operation(
            name=entry.name,
            changes={k: max(1, round(v * side / SIDE)) if k in entry.pixels else v for k, v in entry.mild.items()},
            off=dict(entry.off),
        )
        for entry in ENTRIES
        if entry.name not in MIXED
    ]
    return (*mild, *WIDE)


def everything_off() -> dict[str, Any]:
    """Keys under `augment.` that switch every entry of the catalogue off."""
    return {key: value for entry in ENTRIES for key, value in entry.off.items()}


def is_on(off: Mapping[str, Any], augment: Mapping[str, Any]) -> bool:
    """Whether keys under `augment.` differ from those that switch an operation off."""
    return any(augment.get(key, value) not in (value, "auto") for key, value in off.items())


def strongest(augment: Mapping[str, Any], side: int) -> tuple[str, float]:
    """(key under `augment.`, times its mild strength) of the key that goes furthest; ("", 0) where nothing is on."""
    on = [o for o in operations(side) if not o.wide and is_on(o.off, augment)]
    mild = {k: _strength(v) for o in on for k, v in o.changes.items() if not isinstance(v, bool | str)}
    times = {key: _strength(augment.get(key)) / value for key, value in mild.items() if value}
    key = max(times, key=lambda k: times[k], default="")
    return (key, times[key]) if key and times[key] > 0 else ("", 0.0)


def answers(scene: SceneSection) -> dict[str, tuple[Answer, str]]:
    """Operation -> (what the person's answers mean for it, the key that says so); a refusal outweighs a permission."""
    said: dict[str, tuple[Answer, str]] = {}
    for question in QUESTIONS:
        given = getattr(scene, question.key)
        if given == "auto":
            continue
        for name, answer in (question.yes if given else question.no).items():
            if name not in said or answer == "refused":
                said[name] = (answer, question.key)
    return said


def ceilings(refused: Iterable[str], side: int) -> dict[str, Any]:
    """Key under `augment.` -> strongest value that no refusal forbids; keys that no refused operation has are free.

    Args:
        refused: names of operations.
        side: of the inputs.
    """
    known = operations(side)
    no = set(refused)
    caps: dict[str, Any] = {}
    for operation in (o for o in known if o.name in no):
        for key, off in operation.off.items():
            rivals = [o.changes[key] for o in known if o.name not in no and key in o.changes]
            milder = [value for value in rivals if _strength(value) < _strength(operation.changes[key])]
            caps[key] = max(milder, key=_strength, default=off)
    return caps


def capped(augment: Mapping[str, Any], caps: Mapping[str, Any]) -> dict[str, Any]:
    """Keys under `augment.` that stand above their ceiling -> the ceiling."""
    return {
        key: cap
        for key, cap in caps.items()
        if augment.get(key, "auto") != "auto" and _strength(augment[key]) > _strength(cap)
    }


def settled_by(scene: SceneSection, augment: Mapping[str, Any], side: int) -> Iterator[Reason]:
    """What the person's answers set of the keys that were not asked for one by one.

    Args:
        scene: the answers.
        augment: keys under `augment.` that were asked for.
        side: of the inputs.
    """
    said, known = answers(scene), {operation.name: operation for operation in operations(side)}
    taken = {key for key, value in augment.items() if value != "auto"}
    for wanted in ("wanted", "refused"):  # what is wanted goes first: a mild turn may be wanted and any turn refused
        for name, (answer, question) in said.items():
            operation = known[name]
            keys = {"wanted": operation.changes, "refused": operation.off}.get(answer, {}) if answer == wanted else {}
            for key, value in keys.items():
                if key not in taken:
                    taken.add(key)
                    numbers = {"question": f"scene.{question}"}
                    yield Reason(key=f"augment.{key}", value=value, why=f"augment.scene_{answer}", numbers=numbers)


def contradictions(scene: SceneSection, augment: Mapping[str, Any], side: int = SIDE) -> list[Finding]:
    """Keys that were asked for against an answer; the key wins, and that is said."""
    said = answers(scene)
    found = []
    for name, (answer, question) in said.items():
        if answer == "refused":
            against = capped(augment, ceilings([name], side))
        elif answer == "wanted":
            off = next(o.off for o in operations(side) if o.name == name)
            against = {key: value for key, value in off.items() if key in augment and augment[key] == value}
        else:
            continue
        for key in against:
            numbers = {"key": f"augment.{key}", "value": augment[key], "question": f"scene.{question}"}
            numbers["answer"] = "yes" if getattr(scene, question) else "no"
            found.append(Finding(code="GF-A001", severity="warning", numbers=numbers))
    return found


def held(before: Mapping[str, Any], after: Mapping[str, Any], caps: Mapping[str, Any]) -> dict[str, Any]:
    """Keys under `augment.` that a change raised above their ceiling -> what they may be at most.

    Args:
        before: as it was; what stood above its ceiling already was asked for, and may stay.
        after: as a remedy would have it.
        caps: of `ceilings`.
    """
    over = capped(after, caps)
    return {k: before[k] if _strength(before.get(k)) > _strength(cap) else cap for k, cap in over.items()}


def _strength(value: Any) -> float:
    """How far a value goes; of a range of areas the least counts, and smaller is stronger; a name is on or off."""
    if value is None or isinstance(value, str):
        return float(value not in (None, "none", "auto", ""))
    return 1.0 - float(value[0]) if isinstance(value, tuple | list) else float(value)
