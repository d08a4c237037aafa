"""Where benchmarks find real data: archives in `../shared/data`, or unpacked folders named by GOODFIT_BENCH_DATA."""

from __future__ import annotations

import functools
import os
import shutil
import tarfile
import tempfile
import zipfile
from pathlib import Path

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
SUBSET = 500  # pictures a class of the small CIFAR-10


def home() -> Path:
    """Folder that benchmarks unpack into and work in; safe to delete."""
    from goodfit.engine.cachefolder import cache_folder

    folder = cache_folder() / "benchmarks"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@functools.cache
def folder(name: str, inside: str | None = None) -> Path:
    """The unpacked folder of a data set: hymenoptera, cifar10, bccd_voc or pennfudan.

    Args:
        name: of the archive, and of the folder where it is named in GOODFIT_BENCH_DATA.
        inside: folder that the archive holds; None = one of its own name.
    Raises: SystemExit saying where to put the data.
    """
    named = os.environ.get("GOODFIT_BENCH_DATA")
    if named and (Path(named) / name).is_dir():
        return (Path(named) / name).resolve()
    target = home() / "data" / name
    if target.is_dir():
        return target
    for ending in (".zip", ".tar", ".tar.gz", ".tar.xz"):
        for place in filter(None, (named, SHARED)):
            if (archive := Path(place) / f"{name}{ending}").is_file():
                return _unpacked(archive, target, inside or name)
    raise SystemExit(
        f"no data set `{name}`: put the folder {name}/ (train and test or val, one folder a class below) somewhere "
        f"and name its parent in GOODFIT_BENCH_DATA, or put {name}.zip or {name}.tar.xz into {SHARED}"
    )


def mobilenet() -> Path:
    """MobileNetV2's ImageNet weights as safetensors. Raises SystemExit saying where to put them."""
    return file("weights/mobilenet_v2_imagenet1k.safetensors")


def file(name: str) -> Path:
    """A single file of the data. Raises SystemExit saying where to put it."""
    for place in filter(None, (os.environ.get("GOODFIT_BENCH_DATA"), SHARED)):
        if (Path(place) / name).is_file():
            return (Path(place) / name).resolve()
    raise SystemExit(f"no {name}: put it below GOODFIT_BENCH_DATA or into {SHARED}")


def cifar_subset(per_class: int = SUBSET, test_per_class: int | None = None) -> Path:
    """A smaller CIFAR-10: pictures of each class spread evenly over the sorted names, test whole unless said.

    Args:
        per_class: training pictures a class.
        test_per_class: test pictures a class; None = all.
    """
    target = home() / "data" / f"cifar10_{per_class}_{test_per_class or 'all'}"
    if target.is_dir():
        return target
    source = folder("cifar10")
    with tempfile.TemporaryDirectory(dir=home()) as made:
        for part, count in (("train", per_class), ("test", test_per_class)):
            for kind in sorted(p for p in (source / part).iterdir() if p.is_dir()):
                (Path(made) / "set" / part / kind.name).mkdir(parents=True)
                files = sorted(kind.iterdir())
                for i in range(min(count or len(files), len(files))):
                    file = files[i * len(files) // min(count or len(files), len(files))]
                    shutil.copyfile(file, Path(made) / "set" / part / kind.name / file.name)
        target.parent.mkdir(parents=True, exist_ok=True)
        (Path(made) / "set").rename(target)
    return target


def _unpacked(archive: Path, target: Path, inside: str) -> Path:
    """The data set's folder from an archive that holds it by name; an interrupted start leaves nothing behind."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as made:
        if archive.suffix == ".zip":
            with zipfile.ZipFile(archive) as zipped:
                zipped.extractall(made)
        else:
            with tarfile.open(archive) as tarred:
                tarred.extractall(made, filter="data")
        (Path(made) / inside).rename(target)
    return target
