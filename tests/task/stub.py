"""A sweep of short stub runs: `python stub.py sweep WORDS...` and, for each run, `python stub.py train`.

By their seed the stubs complete (0 to 9), raise (10), diverge (11), are killed (12) or are the user's mistake (13).
Where STUB_GATE names a file, they wait until it is there before they end.
"""

import os
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from clrx.cli.failure import exit_code_of
from clrx.core.errors import ERROR_FILE, UserError
from clrx.core.signals import PARENT, listening, stop_with
from clrx.run.directory import Diverged, open_run


def train(seed: int, folder: Path, policy: str) -> int:
    if seed == 13:
        raise UserError("seed=13 is unlucky", where="seed")
    config = {"seed": seed, "policy": policy, "selection_metric": "auto"}
    with listening(), open_run(folder, config, {"task": "binary", "seed": seed}):
        note(folder / "begun", str(os.environ.get("CUDA_VISIBLE_DEVICES")))
        while not Path(os.environ.get("STUB_GATE", __file__)).exists():
            time.sleep(0.05)
        end(seed, folder)
        (folder / "epochs.csv").write_text(f"epoch,val_auroc\n1,0.5\n2,{0.6 + seed / 100}\n3,0.4\n")
    return 0


def end(seed: int, folder: Path) -> None:
    if seed == 12:
        os.kill(os.getpid(), signal.SIGKILL)
    if seed == 11:
        raise Diverged("the loss became non-finite at step 3", where=str(folder))
    if seed == 10 and not (folder / "mended").exists():
        raise RuntimeError("out of paper")


def note(path: Path, line: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(f"{line}\n")


def command_of(job, about) -> list[str]:
    words = dict(word.split("=", 1) for word in job.overrides)
    return [sys.executable, __file__, "train", words["seed"], str(job.path), words.get("policy", "none")]


def sweep(words: list[str], put: Callable[[Any, str, Any], None] = setattr) -> int:
    """The exit code of `clrx sweep WORDS` whose runs are stubs; `put` puts them in place."""
    import clrx.sweep.process
    import clrx.task.sweep
    from clrx.cli.main import run

    put(clrx.sweep.process, "command_of", command_of)
    put(clrx.task.sweep, "report", lambda sweep: None)
    return run(["sweep", *words])


if __name__ == "__main__":
    if sys.argv[1] == "sweep":
        sys.exit(sweep(sys.argv[2:]))
    stop_with(int(os.environ[PARENT]))
    seed, folder, policy = sys.argv[2:]
    command = partial(train, int(seed), Path(folder), policy)
    sys.exit(exit_code_of(command, Path(os.environ[ERROR_FILE])))
