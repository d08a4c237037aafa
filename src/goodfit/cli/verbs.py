"""The verbs: each takes a parsed command to its page of the workflow and prints the answer.

Heavy imports stand inside the verbs, so that `goodfit --help` answers at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

from ..core.catalog import Catalog
from ..core.errors import DataError
from .answers import Lines, audit_lines, plan_lines, prediction_lines, scene_lines, study_lines, tree_lines
from .console import Console
from .scene_questions import asked_about


@dataclass(frozen=True, kw_only=True)
class Call:
    """One command, parsed.

    Attributes:
        verb: its name.
        words: what is no flag, in order.
        flags: flag -> value, of those that were given.
        console: where to print.
    """

    verb: str
    words: tuple[str, ...]
    flags: Mapping[str, Any]
    console: Console

    def flag(self, name: str, default: Any = None) -> Any:
        return self.flags.get(name, default)

    @property
    def lang(self) -> str:
        return self.console.lang

    @property
    def runs(self) -> Path:
        return Path(self.flag("runs", "runs"))

    def asked(self) -> Any:
        """The recipe that this command asks for."""
        from ..core.asking import asked_recipe, split_words

        data, pairs = split_words(self.words)
        recipe = self.flag("recipe")
        return asked_recipe(data, pairs, recipe=recipe, device=self.flag("device"), seed=self.flag("seed"))


@dataclass(frozen=True, kw_only=True)
class Verb:
    """One verb of the command line; its words live under `cli.verb.<name>`.

    Attributes:
        usage: what follows the verb.
        least: fewest words that it needs.
        most: most words that it takes, None = any number.
        run: does it and prints the answer.
        heeds: common flags that change what it does; the others are accepted and said to change nothing.
        graceful: whether its work looks at `asked_to_stop`, so that a first Ctrl-C may be answered with a checkpoint.
    """

    usage: str
    least: int
    most: int | None
    run: Callable[[Call], None]
    heeds: frozenset[str]
    graceful: bool = False


def _fit(call: Call) -> None:
    from ..workflow.fit import fit

    _train_like(call, lambda asked, **options: fit(asked, **options))


def _train(call: Call) -> None:
    from ..workflow.train import train

    _train_like(call, lambda asked, **options: train(asked, **options))


def _train_like(call: Call, verb: Callable[..., Any]) -> None:
    with call.console.live():
        study = verb(
            call.asked(),
            budget=call.flag("budget"),
            runs=call.runs,
            new=call.flag("new", False),
            lang=call.lang,
            tell=call.console,
        )
    _show_study(call, study)


def _improve(call: Call) -> None:
    from ..workflow.improve import improve

    with call.console.live():
        study = improve(
            Path(call.words[0]),
            budget=call.flag("budget"),
            lang=call.lang,
            tell=call.console,
        )
    _show_study(call, study)


def _show_study(call: Call, study: Any) -> None:
    if call.console.as_json:
        call.console.result(study.result)
    else:
        call.console.lines(study_lines(study.result, study.findings, call.flag("budget"), call.lang))


def _audit(call: Call) -> None:
    from ..workflow.audit import audit

    with call.console.live():
        asked, fix, budget = call.asked(), call.flag("fix"), call.flag("budget")
        mend: Literal["leave_out", "relabel"] | None = "relabel" if fix == "relabel" else "leave_out"
        mend = None if fix is None else mend
        answer = audit(asked, runs=call.runs, budget=budget, lang=call.lang, fix=mend, tell=call.console)
    _answer(call, answer, audit_lines)


def _scene(call: Call) -> None:
    from ..workflow.scene import scene

    asked = call.asked()
    if call.flag("ask") is not None:
        asked = asked_about(asked, call.console)
    with call.console.live():
        answer = scene(asked, budget=call.flag("budget"), runs=call.runs, lang=call.lang, tell=call.console)
    _answer(call, answer, scene_lines)


def _plan(call: Call) -> None:
    from ..workflow.plan import plan

    with call.console.live():
        answer = plan(call.asked(), runs=call.runs, budget=call.flag("budget"), lang=call.lang, tell=call.console)
    _answer(call, answer, plan_lines)


def _diagnose(call: Call) -> None:
    from ..workflow.diagnose import diagnose

    _answer(call, diagnose(Path(call.words[0]), lang=call.lang, tell=call.console))


def _evaluate(call: Call) -> None:
    from ..tasks import TASKS
    from ..workflow.evaluate import evaluate

    model, data, *pairs = call.words
    with call.console.live():
        answer = evaluate(
            Path(model), data, pairs, device=call.flag("device", "auto"), tell=call.console, lang=call.lang
        )
    shares = {metric.name for metric in TASKS[answer["task"]].metrics.values() if metric.is_share}
    _answer(call, answer, partial(tree_lines, shares=shares))


def _predict(call: Call) -> None:
    from ..workflow.predict import predict

    model, *inputs = call.words
    if call.flag("format") is not None:
        _preannotate(call, Path(model), inputs)
        return
    seen = refused = 0
    for answer in predict(Path(model), inputs, device=call.flag("device", "auto"), tell=call.console):
        seen, refused = seen + 1, refused + ("error" in answer)
        if call.console.as_json:
            call.console.result(answer)
        else:
            for line in prediction_lines(answer):
                call.console.answer_line(line)
    if refused:
        raise DataError("some inputs could not be read", got=f"{refused} of {seen}", do="see the lines with an error")


def _preannotate(call: Call, model: Path, inputs: Sequence[str]) -> None:
    from ..core.errors import UsageError
    from ..workflow.preannotate import FORMATS, preannotate

    how = call.flag("format")
    if how not in FORMATS:
        raise UsageError("no format named", allowed=", ".join(FORMATS), do="say which", where="--format")
    text, refused = preannotate(model, inputs, how, device=call.flag("device", "auto"), tell=call.console)
    if call.console.as_json:
        call.console.result({"format": how, "file": text})
    else:
        call.console.file(text)
    if refused:
        raise DataError("some inputs could not be read", got=len(refused), do=str(refused[0]["error"]))


def _report(call: Call) -> None:
    from ..workflow.report import report

    study = Path(call.words[0])
    path = report(study, lang=call.lang)
    _answer(call, {"study": str(study.absolute()), "report": str(path)})


def _env(call: Call) -> None:
    from .env import env

    _answer(call, env())


def _clean(call: Call) -> None:
    from ..workflow.clean import clean

    _answer(call, clean(yes=call.flag("yes", False), tell=call.console))


def _answer(
    call: Call, answer: Mapping[str, Any], lines: Callable[[Mapping[str, Any], str], Lines] = tree_lines
) -> None:
    if call.console.as_json:
        call.console.result(answer)
    else:
        call.console.lines(lines(answer, call.lang))


_TALK = frozenset({"json", "lang"})
_RECIPE = frozenset({"runs", "seed", "recipe"}) | _TALK
_TRAIN = _RECIPE | {"budget", "device", "where", "new"}

VERBS: Catalog[Verb] = Catalog(
    "verb",
    {
        "fit": Verb(usage="DATA [key=value ...]", least=0, most=None, run=_fit, heeds=_TRAIN, graceful=True),
        "audit": Verb(usage="DATA [key=value ...]", least=0, most=None, run=_audit, heeds=_RECIPE | {"budget"}),
        "scene": Verb(
            usage="DATA [key=value ...]", least=0, most=None, run=_scene, heeds=_RECIPE | {"budget", "device"}
        ),
        "plan": Verb(usage="DATA [key=value ...]", least=0, most=None, run=_plan, heeds=_RECIPE | {"budget", "device"}),
        "train": Verb(usage="DATA [key=value ...]", least=0, most=None, run=_train, heeds=_TRAIN, graceful=True),
        "diagnose": Verb(usage="STUDY", least=1, most=1, run=_diagnose, heeds=_TALK),
        "improve": Verb(
            usage="STUDY",
            least=1,
            most=1,
            run=_improve,
            heeds=_TALK | {"budget", "where"},
            graceful=True,
        ),
        "evaluate": Verb(
            usage="MODEL DATA [key=value ...]", least=2, most=None, run=_evaluate, heeds=_TALK | {"device"}
        ),
        "predict": Verb(usage="MODEL FILE ...", least=2, most=None, run=_predict, heeds=_TALK | {"device"}),
        "report": Verb(usage="STUDY", least=1, most=1, run=_report, heeds=_TALK),
        "env": Verb(usage="", least=0, most=0, run=_env, heeds=_TALK),
        "clean": Verb(usage="", least=0, most=0, run=_clean, heeds=_TALK | {"yes"}),
    },
)
