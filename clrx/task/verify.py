"""`clrx verify`: train the first steps of a run again and compare them with its record.

usage: clrx verify RUN [steps=N] [--config-dir DIR]

Train the first steps (20) of the run in the directory RUN again, from the configuration that it recorded, and say
whether rates and losses agree with its record bit by bit.
"""

from itertools import islice
from pathlib import Path

from clrx.config.load import load
from clrx.config.phases import Phase, build_phases
from clrx.config.schema import TrainConfig
from clrx.core.console import open_screen, say
from clrx.core.errors import RunError, UserError
from clrx.core.signals import listening
from clrx.data.cache.files import Damaged, check_rows
from clrx.data.open import Data, load_source, open_data, size_of
from clrx.run.read import Record, require_run, threads_of
from clrx.run.resume_guard import DATA
from clrx.task.resume import recorded_config, run_and_words
from clrx.training.inputs import inputs_of
from clrx.training.loop import train_steps
from clrx.training.phase import phase_clock, phase_work
from clrx.training.precision import AUTO, choose_precision, say_if_other
from clrx.training.preflight import check_config
from clrx.training.records import TrainState, column
from clrx.training.setup import Setup, make_setup, network_for


def main(arguments: list[str]) -> int:
    """Compare `steps` (default 20) steps; exit code 1 where they, the data or the split differ from the record."""
    path, steps, folder = _asked(arguments)
    raw, run, expected = recorded_config(path, folder), require_run(path), _recorded(path)
    cfg = load(raw, (run.facts.get("range_test") or {}).get("bounds"))
    check_config(cfg, threads_of(path))
    with open_screen() as screen, listening():
        source = load_source(cfg.dataset)
        network = network_for(cfg, source)
        then = run.facts.get("precision") or {}
        if then.get("asked") == AUTO:
            say_if_other(then, choose_precision(cfg, network, size_of(cfg.dataset, source), AUTO))
        data = open_data(cfg, source, screen.decoding())
        _compare_data(run, data)
        _check_pixels(data)
        phase, setup = build_phases(cfg)[0], make_setup(cfg, data, network)
        factors = {entry["epoch"]: entry["factor"] for entry in run.facts.get("backoffs", [])}
        state = TrainState(rate_factor=factors.pop(0, 1.0))  # the others have scaled later epochs
        found = first_steps(cfg, phase, setup, state, steps, before=min(factors, default=None))
    return _verdict(path, expected, found)


def first_steps(
    cfg: TrainConfig, phase: Phase, setup: Setup, state: TrainState, steps: int, before: int | None
) -> list[tuple[float, float]]:
    """(rate, loss) of the first steps of a phase, taken by a fresh network; none of epoch `before` or later."""
    setup.network.set_trainable(phase.trainable)
    inputs = inputs_of(cfg, setup, state, phase)
    work = phase_work(cfg, phase, setup, inputs, state, {})
    clock = phase_clock(cfg, inputs, phase.epochs, first_epoch=0)
    work.network.train()
    steps = min(steps, clock.steps_per_epoch * (phase.epochs if before is None else before))
    taken = islice(train_steps(work, inputs.feed, inputs.train, clock), steps)
    return [(step.lr, float(step.loss.double())) for step in taken]


def _recorded(path: Path) -> list[tuple[float | None, float | None]]:
    """(rate, loss) of every step on record; UserError where there is none."""
    steps = path / "steps.csv"
    found = list(zip(column(steps, "lr"), column(steps, "loss"), strict=True)) if steps.exists() else []
    if not found:
        raise UserError("this run has no step on record", where=str(steps), allowed="a run that was trained")
    return found


def _asked(arguments: list[str]) -> tuple[Path, int, Path | None]:
    path, words, folder = run_and_words("verify", arguments)
    steps = 20
    for word in words:
        key, _, value = word.partition("=")
        if key != "steps" or not value.isdigit() or int(value) < 1:
            raise UserError(f"'{word}' is unknown", where="clrx verify", allowed="steps=1, 2, 3, ...")
        steps = int(value)
    return path, steps, folder


def _compare_data(run: Record, data: Data) -> None:
    now = {"data_hash": data.cache.hash, "labels_hash": data.labels_hash, "split_hash": data.split.hash}
    for key, name in DATA.items():
        if (then := run.facts.get(key)) != now[key]:
            what = f"the {name} are not what the run had: {key} {then} then, {now[key]} now"
            raise RunError(what, where=str(run.path))


def _check_pixels(data: Data) -> None:
    """RunError where any row of the image cache is not as it was decoded."""
    try:
        check_rows(data.cache.array, data.cache.digests, range(len(data.cache.array)))
    except Damaged as error:
        fix = "clrx data cache=clear: the next run decodes the images anew"
        raise RunError(f"the image cache is damaged: {error}", where=str(data.cache.path), fix=fix) from None


def _verdict(
    path: Path, recorded: list[tuple[float | None, float | None]], found: list[tuple[float, float]]
) -> int:
    recorded = recorded[: len(found)]
    for number, (then, now) in enumerate(zip(recorded, found, strict=False)):
        if then != now:
            what = f"step {number} differs: rate and loss {then} on record, {now} now"
            fix = "compare versions, hardware and threads in run.json; deterministic=true gives equal bytes"
            raise RunError(what, where=str(path), fix=fix)
    say(f"{len(recorded)} steps agree with the record bit by bit: {path}")
    return 0
