"""A loss or a gradient that is not finite ends a run, or sends it back to its last good epoch's end."""

from clrx.run.checkpoint import load_checkpoint
from clrx.run.directory import Diverged
from clrx.train.records import Bad
from clrx.train.session import Bench

FIX = "lower the rates (clrx find-lr shows the range), clip with grad_clip=1, or on_divergence=backoff"


def refuse_divergence(bench: Bench, bad: Bad | None) -> None:
    """Raise Diverged, with the step, its rate and the last good checkpoint, where a step was not finite.

    A checkpoint is written only of steps that were finite. So the latest is good, unless it has the very step in it
    that spoilt the weights of a network found at its validation.
    """
    if bad is None:
        return
    verb = "of a finite loss became" if bad.what == "gradients" else "became"
    what = f"the {bad.what} {verb} non-finite at step {bad.step}, at a rate of {bad.lr:g}"
    found = load_checkpoint(bench.path / "checkpoint")
    steps = found[1]["steps"] if found else 0
    good = steps if steps <= bad.step else None
    entry = {"step": bad.step, "lr": bad.lr, "what": bad.what, "last_good_checkpoint": good}
    bench.run.note(divergences=[*bench.run.record.get("divergences", []), entry])
    what += f"; the last {'good ' if good is not None else ''}checkpoint is of {steps} steps"
    raise Diverged(what, where=str(bench.path), fix=FIX)
