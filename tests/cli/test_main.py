"""The command line: exit codes, one line for an error, one object on stdout, instant help, broken pipes."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from goodfit.cli.main import main
from goodfit.cli.verbs import VERBS
from goodfit.core.errors import BudgetError, DataError, DeviceError, Interrupted, RecipeError

GOODFIT = [sys.executable, "-m", "goodfit"]
RESULT: dict[str, Any] = {
    "study": "/s",
    "task": "image_classification",
    "family": "resnet",
    "primary": "accuracy",
    "val": {"value": 0.98, "low": 0.97, "high": 0.99, "n": 144},
    "test": None,
    "seconds": 12.5,
    "model": "/s/model",
    "report": "/s/report.html",
    "findings": ["GF-F001"],
}


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Callable[..., Any]], None]:
    """Puts a function in the place of a verb's page."""

    def place(verb: str, function: Callable[..., Any]) -> None:
        module = types.ModuleType(f"goodfit.workflow.{verb}")
        setattr(module, verb, function)
        monkeypatch.setitem(sys.modules, module.__name__, module)

    return place


def study(**options: Any) -> types.SimpleNamespace:
    return types.SimpleNamespace(result=RESULT, findings=[], options=options)


def goodfit(*words: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*GOODFIT, *words], capture_output=True, text=True, timeout=60, **options)


def test_flags_and_pairs_reach_the_verb(stub: Any, capfd: pytest.CaptureFixture[str]) -> None:
    seen: dict[str, Any] = {}

    def fit(asked: Any, **options: Any) -> Any:
        seen.update(asked=asked, **options)
        return study()

    stub("fit", fit)
    argv = (
        "fit --budget 90s digits --seed 3 train.lr=3e-4 --device=cpu --runs out data.test=t.csv --new --lang zh --json"
    )
    assert main(argv.split()) == 0
    asked = seen["asked"]
    assert (asked.data.path, asked.seed, asked.engine.device, asked.train.lr, asked.data.test) == (
        "digits",
        3,
        "cpu",
        3e-4,
        "t.csv",
    )
    assert (seen["budget"], seen["runs"], seen["new"], seen["lang"]) == (90.0, Path("out"), True, "zh")
    assert json.loads(capfd.readouterr().out) == RESULT


def test_json_keeps_everything_else_off_stdout(stub: Any, capfd: pytest.CaptureFixture[str]) -> None:
    def fit(asked: Any, *, tell: Any, **options: Any) -> Any:
        tell("stage", name="train")
        print("a library that prints")  # noqa: T201 - it plays the library
        subprocess.run(["echo", "a child that prints"], check=True)
        os.write(1, b"C code that prints\n")
        return study()

    stub("fit", fit)
    assert main(["fit", "digits", "--json"]) == 0
    out, err = capfd.readouterr()
    assert [json.loads(line) for line in out.splitlines()] == [RESULT]
    assert all(
        text in err for text in ("Training", "a library that prints", "a child that prints", "C code that prints")
    )


def test_numbers_that_json_lacks_become_null(stub: Any, capfd: pytest.CaptureFixture[str]) -> None:
    stub("audit", lambda asked, **options: {"a": float("nan"), "b": [float("inf"), 1.5], "c": "\ud800"})
    assert main(["audit", "digits", "--json"]) == 0
    assert json.loads(capfd.readouterr().out) == {"a": None, "b": [None, 1.5], "c": "\ud800"}


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (RecipeError("bad value", got="x", allowed="y", do="mend it"), 1),
        (DeviceError("no cuda here"), 1),
        (DataError("all files are unreadable"), 2),
        (BudgetError("too little time"), 3),
        (Interrupted(2), 130),
        (Interrupted(15), 143),
        (KeyboardInterrupt(), 130),
        (OSError(28, "No space left on device", "runs/a"), 1),
        (MemoryError(), 1),
    ],
)
def test_error_is_one_line_on_stderr_and_its_exit_code(
    error: BaseException, code: int, stub: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    def fit(asked: Any, **options: Any) -> Any:
        raise error

    stub("fit", fit)
    assert main(["fit", "digits", "--json"]) == code
    out, err = capfd.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1
    assert err.startswith("goodfit: ")


def test_our_own_fault_is_a_short_line_that_names_a_log_with_the_traceback(
    stub: Any, capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    stub("fit", lambda asked, **options: 1 / 0)
    assert main(["fit", "digits"]) == 4
    err = capfd.readouterr().err
    (log,) = tmp_path.glob("goodfit-fault-*.log")
    assert str(log) in err
    assert "ZeroDivisionError" in err
    assert "Traceback" not in err
    assert "Traceback" in log.read_text()
    assert "goodfit fit digits" in log.read_text()


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["fti", "digits"], "no verb named 'fti'.*Did you mean 'fit'"),
        (["--bugdet"], "a verb comes first"),
        (["fit", "digits", "--bugdet", "3"], "no flag --bugdet.*Did you mean '--budget'"),
        (["fit", "digits", "--budget", "soon"], "budget: not a span of time; got soon"),
        (["fit", "digits", "--budget"], "--budget"),
        (["fit", "digits", "--seed", "-1"], "seed"),
        (["fit", "digits", "--seed", "x"], "not a seed"),
        (["fit", "digits", "--lang", "fr"], "no such language; got fr; allowed: en, zh"),
        (["fit", "digits", "--where", "moon"], "no such place"),
        (["fit"], "no data named"),
        (["fit", "digits", "train.epoch=3"], "Did you mean 'train.epochs'"),
        (["fit", "digits", "oops"], "not a key=value pair"),
        (["fit", "digits", "--recipe", "/no/such.yaml"], "cannot be read"),
        (["predict", "model"], "something is missing.*MODEL FILE"),
        (["env", "x"], "too many words"),
    ],
)
def test_wrong_usage_exits_1_with_advice(
    argv: list[str], words: str, stub: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    stub("fit", lambda asked, **options: study())
    import re

    assert main(argv) == 1
    err = capfd.readouterr().err
    assert re.search(words, err), err
    assert len(err.splitlines()) == 1


def test_flag_without_effect_is_said(stub: Any, capfd: pytest.CaptureFixture[str]) -> None:
    stub("clean", lambda *, yes, tell: {"caches": []})
    assert main(["clean", "--budget", "3m", "--lang", "en"]) == 0
    assert "--budget changes nothing for `goodfit clean`" in capfd.readouterr().out


def test_improve_says_that_a_new_study_and_its_folder_mean_nothing_to_it(
    stub: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    stub("improve", lambda path, **options: study())
    assert main(["improve", "runs/a", "--new", "--runs", "out", "--lang", "en"]) == 0
    out = capfd.readouterr().out
    assert "--new changes nothing for `goodfit improve`" in out
    assert "--runs changes nothing for `goodfit improve`" in out


def test_words_after_a_double_dash_are_no_flags(stub: Any, capfd: pytest.CaptureFixture[str]) -> None:
    stub(
        "predict",
        lambda model, inputs, **options: iter([{"input": i, "label": "a", "probability": 0.5} for i in inputs]),
    )
    assert main(["predict", "--json", "model", "--", "--odd.jpg", "b.jpg"]) == 0
    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert [line["input"] for line in lines] == ["--odd.jpg", "b.jpg"]


def test_prediction_line_for_people_holds_name_label_probability(stub: Any, capfd: pytest.CaptureFixture[str]) -> None:
    stub("predict", lambda model, inputs, **options: iter([{"input": "a\n.jpg", "label": "cat", "probability": 0.973}]))
    assert main(["predict", "model", "a"]) == 0
    assert capfd.readouterr().out == "a\\n.jpg  cat  97.3 %\n"


def test_input_that_cannot_be_read_is_said_and_exits_2(stub: Any, capfd: pytest.CaptureFixture[str]) -> None:
    rows = [{"input": "a", "label": "cat", "probability": 1.0}, {"input": "b", "error": "b: truncated"}]
    stub("predict", lambda model, inputs, **options: iter(rows))
    assert main(["predict", "model", "a", "b", "--json"]) == 2
    out, err = capfd.readouterr()
    assert [json.loads(line) for line in out.splitlines()] == rows
    assert "1 of 2" in err


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_help_of_every_verb_in_both_languages(verb: str, lang: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert main([verb, "--help", "--lang", lang]) == 0
    assert f"goodfit {verb}" in capfd.readouterr().out


def test_help_and_version_go_to_stdout(capfd: pytest.CaptureFixture[str]) -> None:
    for argv in ([], ["--help"], ["help", "fit"], ["--version"]):
        assert main(argv) == 0
    out, err = capfd.readouterr()
    assert "goodfit fit DATA" in out
    assert err == ""


def test_help_takes_less_than_half_a_second_of_processor_time_and_imports_nothing_heavy() -> None:
    """Processor time, not wall clock: the test machine may be busy. The best of three."""
    spent = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert goodfit("--help").returncode == 0
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent.append(after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)
    assert min(spent) < 0.5
    code = "import sys; from goodfit.cli.main import main; main(['--help']); print(*sys.modules, file=sys.stderr)"
    loaded = set(
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stderr.split()
    )
    assert not loaded & {"torch", "numpy", "pandas", "sklearn", "rich", "pydantic", "yaml"}


def test_reader_that_goes_away_ends_predict_quietly() -> None:
    code = """
import sys, types
def predict(model, inputs, **options):
    return ({"input": str(i), "label": "x" * 1000, "probability": 0.5} for i in range(10**6))
page = types.ModuleType("goodfit.workflow.predict")
page.predict = predict
sys.modules[page.__name__] = page
from goodfit.cli.main import main
sys.exit(main(["predict", "--json", "m", "i"]))
"""
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert json.loads(process.stdout.readline())["input"] == "0"
        process.stdout.close()
        assert process.wait(30) == 0
        assert process.stderr.read() == ""


def test_reader_that_goes_away_does_not_end_a_training(tmp_path: Path) -> None:
    code = """
import sys, types
from pathlib import Path
def fit(asked, *, tell, **options):
    for i in range(20000):
        tell("note", key="cli.interrupted")
    Path(sys.argv[1]).write_text("done")
    return types.SimpleNamespace(result={"primary": "accuracy"}, findings=[])
page = types.ModuleType("goodfit.workflow.fit")
page.fit = fit
sys.modules[page.__name__] = page
from goodfit.cli.main import main
sys.exit(main(["fit", "digits"]))
"""
    done = tmp_path / "done"
    command = [sys.executable, "-c", code, str(done)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(30) == 0
        assert process.stderr.read() == ""
    assert done.read_text() == "done"


def test_terminal_without_unicode_gets_escapes_not_a_fault() -> None:
    done = goodfit("--help", "--lang", "zh", env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert (done.returncode, done.stderr) == (0, "")
    assert "\\u" in done.stdout
