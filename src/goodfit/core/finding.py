"""Findings and remedies: what was noticed, with its numbers, and what could be done about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from .recipe import Recipe

Severity = Literal["info", "warning", "problem"]
WEIGHT: Mapping[Severity, int] = {"problem": 0, "warning": 1, "info": 2}  # the weightiest first
LISTED = 1000  # samples of a finding that JSON holds; the audit's own file holds all


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something worth knowing, with the numbers that support it.

    The words live in the message catalogues under `<code>.title`, `<code>.body` and `<code>.advice`, in every
    language; `numbers` fill their placeholders.

    Attributes:
        code: GF-A### augmentation, GF-D### data, GF-F### fit and optimisation, GF-S### speed and machine, GF-P###
            planning and fallbacks.
        severity: info = said; warning = may cost accuracy; problem = the result is in doubt.
        numbers: JSON values only.
        ids: samples concerned, all of them; JSON keeps the first LISTED.
        run_id: the run whose records support it, "" where it is about the data.
        others: aligned with `ids`, the partner of each where samples concern each other; else empty.
        kinds: aligned with `ids`, the fault of each in one word where the code has several; else empty.
        details: name -> values aligned with `ids`, such as a proposed label.
    """

    code: str
    severity: Severity
    numbers: Mapping[str, Any] = field(default_factory=dict)
    ids: tuple[str, ...] = ()
    run_id: str = ""
    others: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    details: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        tree = {
            "code": self.code,
            "severity": self.severity,
            "numbers": dict(self.numbers),
            "ids": list(self.ids[:LISTED]),
            "run_id": self.run_id,
        }
        more = {"others": list(self.others[:LISTED]), "kinds": list(self.kinds[:LISTED])}
        details = {name: list(values[:LISTED]) for name, values in self.details.items()}
        return {**tree, **{name: values for name, values in {**more, "details": details}.items() if values}}

    @classmethod
    def from_json(cls, tree: Mapping[str, Any]) -> Finding:
        return cls(
            code=tree["code"],
            severity=tree["severity"],
            numbers=tree["numbers"],
            ids=tuple(tree["ids"]),
            run_id=tree["run_id"],
            others=tuple(tree.get("others", ())),
            kinds=tuple(tree.get("kinds", ())),
            details={name: tuple(values) for name, values in tree.get("details", {}).items()},
        )


@dataclass(frozen=True, kw_only=True)
class Remedy:
    """A change of recipe that may cure a finding; the words live under `remedy.<name>`.

    Attributes:
        name: unique, words joined by underscores.
        treats: finding codes.
        apply: resolved recipe -> changed recipe; pure. Returning an equal recipe means "not applicable".
        cost: factor on the run's training time, 1.0 = none.
        source: where the remedy comes from.
    """

    name: str
    treats: frozenset[str]
    apply: Callable[[Recipe], Recipe]
    cost: float
    source: str
