"""`clrx verify RUN` takes the first steps of a run again, whatever its plan, and says where they differ."""

import pytest
from mixture import FINDING, OWN, TINY, backing_off

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

RUNS = {
    "single": (
        "epochs=2",
        "accumulate=2",
        "ema=0.9",
        "precision=bf16",
        "sampling=weighted",
        "optimizer=adam",
    ),
    "decay_then_clr": ("epochs=1", "policy=sgdr", "decay=0.01", "mix.mixup=0.2"),
    "early_stop_restart": ("plan.max_epochs=2", "plan.patience=1", "optimizer=keras_rmsprop"),
    "dlr_cla": ("plan.head_epochs=2", "plan.all_epochs=1", *FINDING),
    "backing off": ("plan=single", "epochs=2", "batch_size=20", *backing_off()),
}


def trained(forker, images, run, name: str) -> None:
    plan = () if name == "backing off" else (f"plan={name}",)
    own = OWN if name == "backing off" else ()
    words = [*own, *TINY, f"dataset.root={images[3]}", "model=cnn4", "batch_size=24", *plan, *RUNS[name]]
    assert forker.run(["train", *words, f"hydra.run.dir={run}"], run.with_suffix(".txt")) == 0


def verified(forker, run, *words: str) -> tuple[int, str]:
    screen = run.with_name("verify.txt")
    screen.unlink(missing_ok=True)
    return forker.run(["verify", str(run), *words], screen), screen.read_text()


@pytest.mark.parametrize("name", RUNS)
def test_the_first_steps_of_every_plan_agree(tmp_path, forker, images, name):
    run = tmp_path / "run"
    trained(forker, images, run, name)
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    own = OWN if name == "backing off" else ()
    code, said = verified(forker, run, "steps=5", *own)
    assert (code, f"5 steps agree with the record bit by bit: {run}" in said) == (0, True), said
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before
    steps = (run / "steps.csv").read_text().splitlines()
    cells = steps[3].split(",")
    cells[4] = repr(float(cells[4]) * (1 + 2**-52))
    (run / "steps.csv").write_text("\n".join([*steps[:3], ",".join(cells), *steps[4:]]) + "\n")
    code, said = verified(forker, run, "steps=5", *own)
    assert code == 1
    assert "error: step 2 differs" in said
    (run / "steps.csv").write_text(steps[0] + "\n")
    code, said = verified(forker, run, *own)
    assert (code, "no step on record" in said) == (2, True)
