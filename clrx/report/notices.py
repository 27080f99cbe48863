"""Warnings that stand at the top of a report: what a reader must know before reading a number."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import NamedTuple

from clrx.report.comparison import Comparison
from clrx.report.formatting import listed, plural
from clrx.report.grouping import repetition_name, repetition_of
from clrx.report.tables import Table
from clrx.run.read import Record, RunState
from clrx.schedule.stretch import scaled_mark


class Notice(NamedTuple):
    """One warning."""

    severe: bool  # it forbids a conclusion
    text: str


def notices(comparison: Comparison) -> list[Notice]:
    """All warnings that apply, the severe ones first."""
    found = [notice for rule in RULES for notice in rule(comparison)]
    return sorted(found, key=lambda notice: not notice.severe)


def _synthetic(comparison: Comparison) -> Iterator[Notice]:
    if any(run.facts.get("synthetic") for run in comparison.runs):
        names = {str(run.facts.get("dataset")) for run in comparison.runs if run.facts.get("synthetic")}
        text = (
            f"SYNTHETIC DATA ({listed(sorted(names))}): the images were made by a program. These numbers say"
        )
        yield Notice(True, f"{text} how the code and the policies behave, and nothing about a disease.")


def _scaled(comparison: Comparison) -> Iterator[Notice]:
    if factors := sorted({str(factor) for run in comparison.runs if (factor := scale_of(run)) < 1}):
        text = f"SCALED DOWN (scale={listed(factors)}): epochs and data were cut together for a rehearsal."
        yield Notice(True, f"{text} No number here can stand beside a published one.")


def scale_of(run: Record) -> float:
    """The share of epochs and data that the run was given; 1 for a whole run."""
    factor = run.config.get("scale", 1)
    return 1.0 if factor is None else float(factor)


def marked(comparison: Comparison, table: Table) -> Table:
    """A table for a file of its own: its title says that runs were scaled down, where they were."""
    marks = dict.fromkeys(scaled_mark(scale_of(run)) for run in comparison.runs)
    return replace(table, title=" ".join([*filter(None, marks), table.title]))


def _forced(comparison: Comparison) -> Iterator[Notice]:
    if comparison.mismatch:
        text = f"NOT ONE EXPERIMENT (force=true): {comparison.mismatch}."
        yield Notice(True, f"{text} The runs were not trained and tested on the same images.")


def _selected_on_test(comparison: Comparison) -> Iterator[Notice]:
    if labels := _labels(comparison, lambda run: _selection(run) == "test"):
        text = (
            f"SELECTED ON TEST ({listed(labels)}): the weights were chosen by the images they are tested on."
        )
        yield Notice(True, f"{text} The test metrics are too good.")


def _selection(run: Record) -> str:
    return str(run.config.get("selection", run.facts.get("selection", "validation")))


def _incomplete(comparison: Comparison) -> Iterator[Notice]:
    missing = [run for run in comparison.runs if run.state != RunState.COMPLETE]
    if missing or comparison.unreadable:
        states = [run.state for run in (*missing, *comparison.unreadable)]
        kinds = [f"{states.count(state)} {state}" for state in dict.fromkeys(states)]
        runs = plural(len(states), "run")
        verb = "is" if len(states) == 1 else "are"
        whole = len(comparison.runs) + len(comparison.unreadable)
        text = f"{runs} of {whole} {verb} not complete ({listed(kinds)}) and in no mean below:"
        yield Notice(False, f"{text} see the list of runs.")


def _incomplete_pairs(comparison: Comparison) -> Iterator[Notice]:
    every = list(dict.fromkeys(key for group in comparison.groups for key in group.complete))
    missing = {
        group.label: [repetition_name(key) for key in every if key not in group.complete]
        for group in comparison.groups
    }
    if any(missing.values()):
        parts = [f"{label} lacks {listed(names)}" for label, names in missing.items() if names]
        text = f"Not every configuration was completed at every seed: {'; '.join(parts)}."
        yield Notice(False, f"{text} A difference to the baseline is over the seeds that both have.")


def _repeated(comparison: Comparison) -> Iterator[Notice]:
    for group in comparison.groups:
        done = [repetition_of(run) for run in group.runs if run.state == RunState.COMPLETE]
        for key in dict.fromkeys(key for key in done if done.count(key) > 1):
            text = f"{group.label}, {repetition_name(key)} was run {done.count(key)} times:"
            yield Notice(False, f"{text} the last one counts.")


def _other_code(comparison: Comparison) -> Iterator[Notice]:
    states = [run.facts.get("git") or {} for run in comparison.complete]
    commits = sorted({str(state.get("commit"))[:8] for state in states if state.get("commit")})
    if len(commits) > 1:
        yield Notice(False, f"The runs were made by different commits of the code: {listed(commits)}.")
    if any(state.get("changed") for state in states):
        yield Notice(False, "Some runs were made by code that differs from its commit (uncommitted changes).")
    releases = {str((run.facts.get("versions") or {}).get("torch")) for run in comparison.complete}
    if len(releases) > 1:
        yield Notice(
            False, f"The runs were made with different releases of torch: {listed(sorted(releases))}."
        )


def _other_machines(comparison: Comparison) -> Iterator[Notice]:
    machines = {machine_of(run) for run in comparison.complete}
    if len(machines) > 1:
        text = f"The runs were made on different machines ({listed(sorted(machines))}):"
        yield Notice(False, f"{text} seconds and speed-ups do not compare.")


def machine_of(run: Record) -> str:
    """The accelerator, or the processor with its threads, in a few words."""
    hardware = run.facts.get("hardware") or {}
    words = [hardware.get("accelerator") or hardware.get("processor") or "unknown"]
    if not hardware.get("accelerator") and hardware.get("threads"):
        words.append(plural(int(hardware["threads"]), "thread"))
    return ", ".join(str(word) for word in words)


def _other_length(comparison: Comparison) -> Iterator[Notice]:
    lengths = {
        group.label: sorted({len(run.steps) for run in group.complete.values()})
        for group in comparison.groups
        if group.complete
    }
    if len({length for found in lengths.values() for length in found}) > 1:
        each = [f"{label} {listed([f'{n:,}' for n in found])}" for label, found in lengths.items()]
        text = f"The runs took different numbers of optimizer steps ({'; '.join(each)}):"
        yield Notice(False, f"{text} their last values are not at the same point of training.")


def _labels(comparison: Comparison, holds: Callable[[Record], bool]) -> list[str]:
    return [group.label for group in comparison.groups if any(map(holds, group.runs))]


RULES = (
    *(_synthetic, _scaled, _forced, _selected_on_test, _incomplete, _incomplete_pairs, _repeated),
    *(_other_code, _other_machines, _other_length),
)
