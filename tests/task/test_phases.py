"""Phases of a run: what each starts from."""

import pytest
from safetensors.numpy import load_file
from toy_run import train

from clrx.training.records import column

pytestmark = pytest.mark.usefixtures("threads")
RISING = (
    "{_target_:clrx.policy.triangular.Triangular,base_lr:0.05,max_lr:2.0,step_size:4}"  # to where it unlearns
)
STILL = "{_target_:clrx.policy.constant.Constant,lr:1e-30}"


@pytest.mark.everyday(1)
@pytest.mark.parametrize(("start", "from_best"), [("best", True), ("previous", False)])
def test_a_phase_starts_from_the_best_weights_or_the_last(data, tmp_path, start, from_best):
    phases = (
        f"plan.phases=[{{name:a,epochs:4,policy:{RISING}}},{{name:b,epochs:1,policy:{STILL},start:{start}}}]"
    )
    assert train(data, tmp_path, phases, "momentum=0.0", "selection_metric=loss") == 0
    losses = column(tmp_path / "epochs.csv", "val_loss")
    assert min(losses[:3]) < losses[3], "the best epoch is not the last of its phase"
    best, last = (load_file(tmp_path / "weights" / f"{name}.safetensors") for name in ("best", "last"))
    moved = max(abs(best[name] - last[name]).max() for name in best)  # a rate of 1e-30 moves a bias that is 0
    assert bool(moved < 1e-20) is from_best
