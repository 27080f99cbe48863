"""What is installed is whole: built from the sdist, put into a fresh environment, run far from the repository."""

import json
import os
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
pytestmark = pytest.mark.slow


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
    """Run the installed clrx in a folder outside the repository; its output."""

    def run(*arguments: str) -> str:
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
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


def test_the_wheel_has_the_package_its_configuration_and_nothing_else(built):
    with zipfile.ZipFile(built[0]) as wheel:
        names = {name for name in wheel.namelist() if ".dist-info/" not in name}
    inside = files_under("clrx", "hydra_plugins") | {f"clrx/{name}" for name in files_under("conf")}
    assert names == inside


def test_the_sdist_has_what_builds_and_tests_it(built):
    with tarfile.open(built[1]) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    assert files_under("clrx", "hydra_plugins", "conf", "tests") <= names
    assert {"pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md"} <= names


def test_the_command_comes_from_the_wheel(installed, command):
    assert "usage: clrx COMMAND" in command("--help")
    asked = "from clrx.core import paths; print(paths.__file__); print(paths.conf_dir())"
    done = subprocess.run(
        [installed / "python", "-c", asked], cwd=installed, capture_output=True, text=True, timeout=60
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


def test_a_folder_of_ones_own_adds_options(command, tmp_path):
    (tmp_path / "mine" / "policy").mkdir(parents=True)
    own = "_target_: clrx.policy.constant.Constant\nlr: 0.125\n"
    (tmp_path / "mine" / "policy" / "mine.yaml").write_text(own)
    assert "lr: 0.125" in command("train", "--config-dir", "mine", "policy=mine", "--cfg", "job")


def test_a_run_far_from_the_repository(command, tmp_path):
    tiny = ["dataset.images=400", "dataset.size=32", "epochs=1", "model=cnn4", "bootstrap.resamples=20"]
    out = command("train", *tiny, "policy=constant", "hydra.run.dir=run")
    assert "SYNTHETIC" in out
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert record["state"] == "complete"
    assert record["git"] is None
    assert (tmp_path / "run" / "weights" / "best.safetensors").is_file()
    assert "is complete" in command("train", *tiny, "policy=constant", "hydra.run.dir=run")
