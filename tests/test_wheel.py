"""What is installed is whole: built from the sdist, put into a fresh environment, run far from the repository."""

import json
import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path
from textwrap import dedent

import pytest

ROOT = Path(__file__).resolve().parents[1]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]


def files_under(*folders: str) -> set[str]:
    """What belongs to the package: everything in these folders that is not made by running it."""
    paths = (path for folder in folders for path in (ROOT / folder).rglob("*"))
    return {
        str(path.relative_to(ROOT))
        for path in paths
        if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith(".")
    }


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> tuple[Path, Path]:
    """(wheel, sdist); the wheel is built from the unpacked sdist."""
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,), (sdist,) = out.glob("*.whl"), out.glob("*.tar.gz")
    return wheel, sdist


@pytest.fixture(scope="module")
def installed(built, tmp_path_factory) -> Path:
    """The bin folder of a fresh environment with the wheel, and the other packages of this one behind it."""
    home = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", home], check=True, timeout=300)
    pip = [home / "bin" / "python", "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", built[0]]
    subprocess.run(pip, check=True, timeout=300)
    (site,) = home.glob("lib/python*/site-packages")
    (site / "others.pth").write_text(sysconfig.get_path("purelib") + "\n")  # its own .pth files are not read
    return home / "bin"


@pytest.fixture
def command(installed, tmp_path):
    """Run the installed clrx in a folder outside the repository; what it prints."""

    def run(*arguments: str, code: int = 0) -> str:
        hidden = {"PYTHONPATH", "VIRTUAL_ENV"}
        environment = {key: value for key, value in os.environ.items() if key not in hidden}
        done = subprocess.run(
            [installed / "clrx", *arguments],
            cwd=tmp_path,
            env=environment | {"CLRX_CACHE": str(tmp_path / "cache")},
            capture_output=True,
            text=True,
            timeout=280,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run


def test_the_wheel_has_the_package_its_configuration_and_nothing_else(built):
    with zipfile.ZipFile(built[0]) as wheel:
        names = {name for name in wheel.namelist() if ".dist-info/" not in name}
    inside = files_under("clrx", "hydra_plugins") | {f"clrx/{name}" for name in files_under("conf")}
    assert names == inside


def test_the_sdist_has_what_builds_and_tests_it(built):
    with tarfile.open(built[1]) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    assert files_under("clrx", "hydra_plugins", "conf", "tests", "docs", "benchmarks") <= names
    pages = {path.name for path in ROOT.glob("*.md")}
    assert {
        "pyproject.toml",
        "hatch_build.py",
        "LICENSE",
        "CITATION.cff",
        "outputs/README.md",
        *pages,
    } <= names


def test_the_documents_of_the_sdist_are_whole(built, tmp_path):
    """The tests that read them pass in the unpacked sdist, outside the repository."""
    with tarfile.open(built[1]) as sdist:
        sdist.extractall(tmp_path, filter="data")
    (folder,) = tmp_path.iterdir()
    tests = ["tests/test_docs.py", "tests/test_architecture.py"]
    hidden = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    command = [sys.executable, "-m", "pytest", "-n", "0", *tests]
    done = subprocess.run(command, cwd=folder, env=hidden, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_readme_of_the_package_has_no_dead_link(built):
    with zipfile.ZipFile(built[0]) as wheel:
        (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
        description = wheel.read(name).decode().partition("\n\n")[2]
    assert description.startswith("# clrx")
    assert re.findall(r"\]\((?!https?:)[^)]*\)", description) == []


def test_the_command_comes_from_the_wheel(installed, command):
    assert "usage: clrx COMMAND" in command("--help")
    asked = "from clrx.core import paths; print(paths.__file__); print(paths.conf_dir())"
    alone = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [installed / "python", "-c", asked],
        cwd=installed,
        env=alone,
        capture_output=True,
        text=True,
        timeout=60,
    )
    module, conf = (Path(line) for line in done.stdout.splitlines())
    assert installed.parent in module.parents
    assert conf == module.parents[1] / "conf"


def test_the_configuration_is_the_wheels(installed, command):
    (conf,) = installed.parent.glob("lib/python*/site-packages/clrx/conf")
    assert f"file://{conf}" in command("train", "--info", "searchpath")
    assert "_target_: clrx.policy.sgdr.SGDR" in command("train", "--cfg", "job", "policy=sgdr")


def test_hydra_finds_the_launcher_of_sweeps(command):
    assert "_target_: hydra_plugins.clrx_processes.Processes" in command("sweep", "--cfg", "hydra")


OWN = {  # files of a user's own folder: a policy, a dataset and a model
    "policy/sawtooth.yaml": """\
        _target_: sawtooth.Sawtooth
        base_lr: ${bounds.base_lr}
        max_lr: ${bounds.max_lr}
        step_size: ${bounds.step_size}
        """,
    "sawtooth.py": """\
        from dataclasses import dataclass

        from clrx import Progress


        @dataclass(frozen=True)
        class Sawtooth:
            base_lr: float
            max_lr: float
            step_size: float

            def __call__(self, progress: Progress) -> float:
                passed = progress.epoch % self.step_size / self.step_size
                return self.max_lr - (self.max_lr - self.base_lr) * passed
        """,
    "dataset/squares.yaml": """\
        defaults: [_common, _self_]
        _target_: squares.load
        images: 120
        size: 16
        """,
    "squares.py": """\
        import numpy as np
        import pandas as pd

        from clrx import Source


        def load(images: int) -> Source:
            labels = np.arange(images) % 2
            array = np.random.default_rng(0).integers(0, 99, (images, 16, 16)).astype(np.uint8)
            array[:, 4:12, 4:12] += (100 * labels[:, None, None]).astype(np.uint8)
            names = [f"image {number}" for number in range(images)]
            table = pd.DataFrame({"image": names, "group": names})
            return Source("squares", "binary", ("dark", "bright"), table, labels, array=array)
        """,
    "model/one_conv.yaml": """\
        defaults: [_common, _self_]
        _target_: one_conv.build
        width: 8
        """,
    "one_conv.py": """\
        from torch import nn

        from clrx import Body


        def build(channels: int, size: int, width: int) -> Body:
            module = nn.Sequential(nn.Conv2d(channels, width, 3), nn.ReLU())
            return Body(module, (("0.weight", "0.bias"),), first_convs=("0",))
        """,
    "json.py": "raise AssertionError('this hides no module of Python')\n",
}
OWN_RUN = ("dataset=squares", "model=one_conv", "policy=sawtooth", "epochs=2", "bootstrap.resamples=5")


@pytest.fixture
def mine(tmp_path) -> Path:
    for name, text in OWN.items():
        file = tmp_path / "mine" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(text))
    return tmp_path / "mine"


def test_a_policy_a_dataset_and_a_model_of_ones_own(command, mine, tmp_path):
    """Modules beside the options' YAML, in an empty directory: drawn, trained, verified, resumed, in a sweep."""
    assert "policy.csv" in command("policy", "--config-dir", "mine", "policy=sawtooth")
    command("train", "--config-dir", "mine", *OWN_RUN, "hydra.run.dir=run")
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert (record["dataset"], record["model"], record["policy"]) == ("squares", "one_conv", "sawtooth")
    assert record["config_dir"] == str(mine)
    assert "if you trust what lies there" in command(
        "verify", "run", code=2
    )  # the record alone is not trusted
    assert "agree with the record" in command("verify", "run", "--config-dir", "mine")
    assert "run directory: run" in command("resume", "run", "epochs=+1", "--config-dir", "mine")
    mine.rename(tmp_path / "moved")
    assert "agree with the record" in command("verify", "run", "--config-dir", "moved")
    words = (*OWN_RUN[:2], "policy=sawtooth,constant", "seed=0", "epochs=1", "bootstrap.resamples=5")
    said = command("sweep", "--config-dir", "moved", *words, "hydra.sweep.dir=sweep")
    assert "2 of 2 complete" in said


def test_a_module_of_ones_own_that_cannot_be_imported(command, mine):
    with (mine / "sawtooth.py").open("a") as file:
        file.write("import pands\n")
    said = command("policy", "--config-dir", "mine", "policy=sawtooth", code=2)
    line = len((mine / "sawtooth.py").read_text().splitlines())
    assert "sawtooth.Sawtooth cannot be imported: ModuleNotFoundError: No module named 'pands'" in said
    assert f"where:   {mine / 'sawtooth.py'}, line {line}" in said
    assert said.count("error:") == 1


def test_a_run_far_from_the_repository(command, tmp_path):
    tiny = ["dataset.images=400", "dataset.size=32", "epochs=1", "model=cnn4", "bootstrap.resamples=20"]
    out = command("train", *tiny, "policy=constant", "hydra.run.dir=run")
    assert "SYNTHETIC" in out
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert record["state"] == "complete"
    assert record["git"] is None
    assert (tmp_path / "run" / "weights" / "best.safetensors").is_file()
    assert "is complete" in command("train", *tiny, "policy=constant", "hydra.run.dir=run")
