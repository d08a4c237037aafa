"""The public names are pinned, and importing the package imports nothing heavy."""

from __future__ import annotations

import subprocess
import sys

import goodfit

NAMES = """GoodfitError Model Recipe Study __version__
audit clean diagnose env evaluate fit improve load plan predict report scene train""".split()


def test_public_names_are_pinned() -> None:
    assert sorted(goodfit.__all__) == sorted(NAMES)


def test_every_public_name_is_there() -> None:
    assert [name for name in NAMES if getattr(goodfit, name, None) is None] == []


def test_unknown_name_is_an_attribute_error() -> None:
    assert not hasattr(goodfit, "fitt")


def test_verbs_stay_callable_when_the_folder_of_the_same_name_is_imported() -> None:
    code = (
        "import goodfit, goodfit.train.schedule as schedule; assert callable(goodfit.train); "
        "assert schedule.__name__ == 'goodfit.train.schedule'; from goodfit import train, audit; "
        "assert callable(train) and callable(audit)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_importing_the_package_imports_no_heavy_library() -> None:
    heavy = "{'torch', 'numpy', 'pandas', 'sklearn', 'rich', 'pydantic'}"
    code = f"import goodfit, sys; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
