"""The command line of a sweep: what it asks of Hydra, of its directory and of the report at its end."""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

from clrx.config.options import CONFIG_DIR, split_config_dir
from clrx.config.words import literal_words, quoted
from clrx.core.errors import UserError
from clrx.core.files import write_json
from clrx.core.lock import is_held
from clrx.run.read import RunState, read_facts

REPORT = ("baseline", "metric", "target", "force")  # options of `make_report`
RETRY: dict[str, tuple[RunState, ...]] = {name: (RunState(name),) for name in ("failed", "diverged")}
RETRY["all"] = (RunState.FAILED, RunState.DIVERGED)
WORKERS = {  # launcher -> where it has the number of runs at a time
    "processes": "workers",
    "joblib": "n_jobs",
    "ray": "ray.init.num_cpus",
    "submitit_slurm": "array_parallelism",
}
EXTRAS = {  # launcher -> (its module, the extra of clrx that installs it)
    "joblib": ("hydra_joblib_launcher", "clrx[joblib]"),
    "ray": ("hydra_ray_launcher", "clrx[ray]"),
    "submitit_slurm": ("hydra_submitit_launcher", "clrx[slurm]"),
    "submitit_local": ("hydra_submitit_launcher", "clrx[slurm]"),
}
OWN = ("workers", "retry", *REPORT)  # words for the sweep alone: they do not change what is run
FLAGS_OF_HYDRA = (*CONFIG_DIR, "--multirun", "-m")  # those that still run something


class Sweep(NamedTuple):
    """A sweep, read from its command line."""

    words: list[str]  # for Hydra
    path: Path  # directory of the sweep
    retry: str | None
    report: dict[str, str]  # options of the report
    runs: bool  # False for --help, --cfg and the like


def read_sweep(arguments: Sequence[str], conf: Path) -> Sweep:
    """The sweep that the words of a command line ask for, given the folder of the packaged configuration.

    Raises UserError for a word that cannot be.
    """
    arguments = literal_words(arguments, several=True)
    own = dict(_own(arguments))
    words = _search([word for word in arguments if word.partition("=")[0] not in OWN])
    keys = [word for word in split_config_dir(words)[1] if "=" in word and not word.startswith("-")]
    if own.get("retry") not in (None, *RETRY):
        raise UserError(f"retry={own['retry']}", where="retry", allowed=", ".join(RETRY))
    usual = _params(conf / "sweep.yaml")
    params = _params_of_experiment(arguments, conf) or _unless_other(usual, keys)
    path = _named(keys) or Path("outputs/sweep") / sweep_name(keys, list(params))
    _, constant = split_words(keys)
    words += _workers(own.get("workers"), keys)
    words += _instead(params, usual)
    words.append(f"hydra.sweep.dir={quoted(str(path.absolute()))}")
    words.append(f"hydra.job.config.override_dirname.exclude_keys=[{','.join(constant)}]")
    flags = [word.partition("=")[0] for word in arguments if word.startswith("-")]
    runs = all(flag in FLAGS_OF_HYDRA for flag in flags)
    return Sweep(words, path, own.get("retry"), {k: own[k] for k in REPORT if k in own}, runs)


def _own(arguments: Sequence[str]) -> Iterator[tuple[str, str]]:
    for word in arguments:
        key, equals, value = word.partition("=")
        if key in OWN and equals:
            yield key, value


def _named(words: Sequence[str]) -> Path | None:
    """The directory that the command line names."""
    parsed = OverridesParser.create().parse_overrides([w for w in words if w.startswith("hydra.sweep.dir=")])
    return Path(str(parsed[-1].value())) if parsed else None


def _params(file: Path) -> dict[str, str]:
    """Key -> the values that a YAML file sweeps over where the command line does not set it."""
    found = OmegaConf.select(OmegaConf.load(file), "hydra.sweeper.params") if file.is_file() else None
    return {str(key): str(value) for key, value in (found or {}).items()}


def _params_of_experiment(words: Sequence[str], conf: Path) -> dict[str, str]:
    """The `_params` of the experiment's own file; {} without an experiment, and for one that sweeps over nothing."""
    chosen = [word.partition("=")[2] for word in words if word.startswith("experiment=")]
    folders = [str(conf), *split_config_dir(words)[0]]
    found = [_params(Path(folder) / "experiment" / f"{chosen[-1]}.yaml") for folder in folders if chosen]
    return next(filter(None, found), {})


def _unless_other(usual: dict[str, str], keys: Sequence[str]) -> dict[str, str]:
    """The usual values; not the policies where the command line sweeps over something else."""
    swept, constant = split_words(keys)
    other = set(swept) - {"seed"} and "policy" not in (*swept, *constant)
    return {key: value for key, value in usual.items() if not (other and key == "policy")}


def _instead(params: dict[str, str], usual: dict[str, str]) -> list[str]:
    """The overrides that put `params` in the place of the usual ones: sweep.yaml is composed after them."""
    dropped = [f"~hydra.sweeper.params.{key}" for key in usual if key not in params]
    changed = [key for key in params if usual.get(key, params[key]) != params[key]]
    return dropped + [f"hydra.sweeper.params.{key}='{params[key]}'" for key in changed]


def split_words(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """(keys with several values, keys with one) of a command line; Hydra's own keys are in neither."""
    parsed = OverridesParser.create().parse_overrides([w for w in words if not w.startswith("hydra")])
    for one in parsed:
        if one.is_discrete_sweep() and next(one.sweep_iterator(), None) is None:
            what, key = f"{one.input_line} has no value", one.key_or_group
            raise UserError(what, where=key, allowed="a list of values", fix=f"{key}=0,1,2 or the like")
    swept = [one.key_or_group for one in parsed if one.is_sweep_override()]
    return swept, [one.key_or_group for one in parsed if not one.is_sweep_override()]


def of_first_run(words: Sequence[str]) -> list[str]:
    """The words of a sweep with the first of several values in their place: what `--cfg` prints is of one run."""
    found, parser = [], OverridesParser.create()
    for word in words:
        if "=" in word and not word.startswith(("-", "hydra")):
            parsed = parser.parse_overrides([word])[0]
            if parsed.is_sweep_override():
                if parsed.is_discrete_sweep():
                    found.append(f"{parsed.get_key_element()}={next(parsed.sweep_string_iterator())}")
                continue
        found.append(word)
    return found


def sweep_name(words: Sequence[str], defaults: Sequence[str]) -> str:
    """The swept keys, and eight digits of the SHA-256 of all that is asked: one command, one directory.

    `defaults` are the keys that are swept over where the words do not set them.
    """
    swept, constant = split_words(words)
    keys = dict.fromkeys([*(key for key in defaults if key not in constant), *swept])
    asked = sorted(word for word in words if not word.startswith(("hydra/launcher", "hydra.")))
    slug = re.sub(r"[^A-Za-z0-9_.]+", "-", "_".join(keys))[:60].strip("-.") or "run"
    return f"{slug}_{hashlib.sha256(chr(10).join(asked).encode()).hexdigest()[:8]}"


def _workers(count: str | None, words: Sequence[str]) -> list[str]:
    """The override that gives the launcher its number of runs at a time."""
    launcher = launcher_of(words)
    module, package = EXTRAS.get(launcher, ("", ""))
    if module and find_spec(f"hydra_plugins.{module}") is None:
        what = f"hydra/launcher={launcher} is an extra that is not installed"
        raise UserError(what, where="hydra/launcher", fix=f"pip install '{package}'")
    if count is None:
        return []
    if not count.isdigit() or int(count) < 1:
        raise UserError(f"workers={count}", where="workers", allowed="how many runs at a time: 1, 2, ...")
    if launcher not in WORKERS:
        what = f"hydra/launcher={launcher} does not know workers"
        raise UserError(what, where="workers", allowed=", ".join(WORKERS), fix="leave workers out")
    return [f"++hydra.launcher.{WORKERS[launcher]}={count}"]  # Ray's has no such key of its own


def launcher_of(words: Sequence[str]) -> str:
    """The name of the launcher that starts the runs."""
    return next((w.partition("=")[2] for w in words if w.startswith("hydra/launcher=")), "processes")


def _search(words: Sequence[str]) -> list[str]:
    """search=NAME and search.KEY=VALUE as Hydra has them."""
    return [re.sub(r"^search\.", "hydra.sweeper.", re.sub(r"^search=", "hydra/sweeper=", w)) for w in words]


def runs_of(path: Path) -> list[Path]:
    """The run directories of a sweep, by name."""
    return sorted(file.parent for file in path.glob("*/run.json"))


def reopen(path: Path, states: Sequence[str]) -> dict[Path, dict[str, Any]]:
    """Mark the runs in these states as interrupted, so that the sweep starts them again: run -> its record before."""
    before = {}
    for run in runs_of(path):
        record = read_facts(run)
        held = is_held(run / "lock") or is_held(path / ".claims" / run.name)
        if record.get("state") in states and not held:
            write_json(run / "run.json", {**record, "state": RunState.INTERRUPTED})
            before[run] = record
    return before


def put_back(before: Mapping[Path, dict[str, Any]]) -> None:
    """Undo `reopen` for the runs that nobody has begun since."""
    for run, record in before.items():
        if read_facts(run) == {**record, "state": RunState.INTERRUPTED}:
            write_json(run / "run.json", record)
