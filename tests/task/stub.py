"""A sweep whose runs are stubs of a second: `python stub.py sweep WORDS...` and, for each run, `python stub.py train`.

By their seed the stubs complete (0 to 9), raise (10), diverge (11), are killed (12) or are the user's mistake (13).
"""

import os
import signal
import sys
import time
from pathlib import Path

from omegaconf import OmegaConf

from clrx.cli.failure import exit_code_of
from clrx.core.errors import UserError
from clrx.core.signals import listening
from clrx.run.directory import Diverged, open_run


def train(seed: int, place: Path, policy: str) -> int:
    if seed == 13:
        raise UserError("seed=13 is unlucky", where="seed")
    cfg = OmegaConf.create({"seed": seed, "policy": policy, "selection_metric": "auto"})
    with listening(), open_run(place, cfg, {"task": "binary", "seed": seed}):
        note(place / "begun", str(os.environ.get("CUDA_VISIBLE_DEVICES")))
        time.sleep(float(os.environ.get("STUB_SECONDS", "0.2")))
        end(seed, place)
        (place / "epochs.csv").write_text(f"epoch,val_auroc\n1,0.5\n2,{0.6 + seed / 100}\n3,0.4\n")
        note(place / "completed", "once")
    return 0


def end(seed: int, place: Path) -> None:
    if seed == 12:
        os.kill(os.getpid(), signal.SIGKILL)
    if seed == 11:
        raise Diverged("the loss became non-finite at step 3", where=str(place))
    if seed == 10 and not (place / "mended").exists():
        raise RuntimeError("out of paper")


def note(path: Path, line: str) -> None:
    with path.open("a") as file:
        file.write(f"{line}\n")


def command_of(job, about) -> list[str]:
    words = dict(word.split("=", 1) for word in job.overrides)
    parent = str(os.getpid())
    return [
        *(sys.executable, __file__, "train", parent),
        *(words["seed"], str(job.path), words.get("policy", "none")),
    ]


def sweep(words: list[str]) -> int:
    import clrx.sweep.process
    import clrx.task.sweep
    from clrx.cli.main import run

    clrx.sweep.process.command_of = command_of
    clrx.task.sweep.report = lambda race: None
    return run(["sweep", *words])


if __name__ == "__main__":
    if sys.argv[1] == "sweep":
        sys.exit(sweep(sys.argv[2:]))
    from clrx.cli.child import stop_with

    stop_with(int(sys.argv[2]))
    seed, place, policy = sys.argv[3:]
    sys.exit(exit_code_of(lambda: train(int(seed), Path(place), policy)))
