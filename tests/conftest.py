"""What all tests share: threads, compiled modules, the examples of hypothesis, and where real data are found."""

import os
import random
import sys
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parents[1]

# One thread a process: several at once on few cores wait for each other far longer than they compute.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Where Python is told to write no bytecode, each process that a test starts compiles the 3,000 modules of torch and
# others again, in 20 s. They are kept beside pytest's cache instead: nothing is written among the sources.
if os.environ.pop("PYTHONDONTWRITEBYTECODE", None):
    sys.pycache_prefix = os.environ["PYTHONPYCACHEPREFIX"] = str(ROOT / ".pytest_cache" / "bytecode")
    sys.dont_write_bytecode = False

# The same examples at every run. CLRX_RANDOM=1 has others each time, CLRX_RANDOM=N those of seed N. The seed is drawn
# here before pytest-xdist starts its workers, which find it in their environment: all of them have the same.
ASKED = os.environ.get("CLRX_RANDOM", "")
SEED = random.SystemRandom().randrange(2, 10**9) if ASKED == "1" else int(ASKED or 0)
if SEED:
    os.environ["CLRX_RANDOM"] = str(SEED)
settings.register_profile("same", derandomize=True, deadline=None, database=None)
settings.register_profile("random", derandomize=False, deadline=None, database=None, print_blob=True)
settings.load_profile("random" if SEED else "same")

SHARED = ROOT.parent / "shared"


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Give hypothesis the seed; its plugin reads it after this."""
    if SEED and config.getoption("--hypothesis-seed") is None:
        config.option.hypothesis_seed = str(SEED)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Of a test marked everyday(n), n cases spread over all run every day; the others are slow."""
    cases: dict[tuple, list[pytest.Item]] = {}
    for item in items:
        if item.get_closest_marker("everyday"):
            cases.setdefault((item.path, getattr(item, "originalname", item.name)), []).append(item)
    for found in cases.values():
        (count,) = found[0].get_closest_marker("everyday").args  # type: ignore[union-attr]
        kept = {number * len(found) // count for number in range(count)}
        for number, item in enumerate(found):
            if number not in kept:
                item.add_marker(pytest.mark.slow)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how to have the same random examples again."""
    if SEED:
        terminalreporter.write_line(f"random examples of seed {SEED}: CLRX_RANDOM={SEED} repeats them")


@pytest.fixture(scope="session")
def seed() -> int:
    """0; with CLRX_RANDOM the seed of this run, for tests that then take random moments too."""
    return SEED


@pytest.fixture
def blank_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures are empty files: for tests that do not look at them."""
    from blank import leave_pictures_blank

    leave_pictures_blank(monkeypatch)


@pytest.fixture(scope="session")
def common_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache folder for tests of all workers that read the same images; the cache itself has one of them build it."""
    base = tmp_path_factory.getbasetemp()
    return (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / "common_cache"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    if not (SHARED / "data").is_dir():
        pytest.skip("the real data (../shared/data beside the repository) is not here")
    return SHARED / "data"


@pytest.fixture(scope="session")
def shared_weights() -> Path:
    if not (SHARED / "weights").is_dir():
        pytest.skip("the real weights (../shared/weights beside the repository) are not here")
    return SHARED / "weights"
