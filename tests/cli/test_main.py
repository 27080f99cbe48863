"""The command line as a user meets it: one process a command, outside the repository."""

import re
import shutil
import subprocess
import sys

import pytest
from omegaconf import OmegaConf

from clrx import __version__
from clrx.cli.completion import words
from clrx.cli.main import COMMANDS, run
from clrx.core.paths import conf_dir

WITHOUT_TORCH = """
import sys
class Guard:
    def find_spec(self, name, path=None, target=None):
        if name in ("torch", "pandas", "sklearn", "matplotlib", "timm"):
            raise AssertionError(f"{name} was imported")
sys.meta_path.insert(0, Guard())
from clrx.cli.main import run
from clrx.core.paths import conf_dir
sys.exit(run(sys.argv[1:]))
"""


@pytest.fixture
def clrx(tmp_path):
    """Run a command line as a process in an empty folder: (exit code, stdout, stderr)."""

    def command(*arguments: str, without_torch: bool = True) -> tuple[int, str, str]:
        program = ["-c", WITHOUT_TORCH] if without_torch else ["-m", "clrx"]
        done = subprocess.run(
            [sys.executable, *program, *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=120
        )
        assert "Traceback" not in done.stdout + done.stderr
        return done.returncode, done.stdout, done.stderr

    return command


@pytest.fixture
def here(tmp_path, monkeypatch, capsys):
    """The same within this process, which has imported what is slow to import."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HYDRA_FULL_ERROR", "0")  # set by the command; restored after the test
    monkeypatch.delenv("CLRX_DEBUG", raising=False)

    def command(*arguments: str) -> tuple[int, str, str]:
        code = run(list(arguments))
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return code, out, err

    return command


@pytest.mark.parametrize("arguments", [(), ("--help",), ("-h",), ("help",)])
def test_help_names_every_command(here, arguments):
    code, out, err = here(*arguments)
    assert (code, err) == (0, "")
    assert [line.split()[0] for line in out.splitlines() if line.startswith("  ")][: len(COMMANDS)] == list(
        COMMANDS
    )


@pytest.mark.parametrize("flag", ["--version", "-V"])
def test_version(here, flag):
    assert here(flag) == (0, f"clrx {__version__}\n", "")


LOADED = """
import sys
from clrx.cli.main import run
run([sys.argv[1]])
print(*{name.partition(".")[0] for name in sys.modules}, sum(name.startswith("clrx") for name in sys.modules))
"""


@pytest.mark.parametrize("flag", ["--help", "--version"])
def test_what_needs_no_configuration_loads_none(flag):
    done = subprocess.run([sys.executable, "-c", LOADED, flag], capture_output=True, text=True, timeout=120)
    *packages, own = done.stdout.splitlines()[-1].split()
    assert not {"hydra", "omegaconf", "pydantic", "yaml", "numpy", "torch"} & set(packages)
    assert int(own) <= 13


def test_the_configuration_is_printed_without_torch_and_leaves_nothing(clrx, tmp_path):
    code, out, err = clrx("train", "--cfg", "job", "policy=sgdr", "lr=0.5")
    assert (code, err) == (0, "")
    assert "_target_: clrx.policy.sgdr.SGDR" in out
    assert "\nlr: 0.5\n" in out
    assert list(tmp_path.iterdir()) == []


def test_a_commands_help_is_printed_without_torch(clrx):
    code, out, err = clrx("train", "--help")
    assert (code, err) == (0, "")
    assert "triangular2" in out
    assert "bounds" in out


@pytest.mark.parametrize(
    ("command", "word"),
    [("sweep", "workers="), ("sweep", "retry="), ("sweep", "search="), ("report", "target=")],
)
def test_help_names_the_words_that_are_no_keys(here, command, word):
    assert word in here(command, "--help")[1]


MISTAKES = [
    (["trian"], "there is no command 'trian'", "did you mean train?"),
    (["train", "lrr=1"], "there is no key 'lrr'", "did you mean lr"),
    (["train", "bounds.max_lrr=1"], "there is no key 'bounds.max_lrr'", "did you mean bounds.max_lr"),
    (
        ["train", "policy=sgdr", "policy.T_mul=3"],
        "there is no key 'policy.T_mul'",
        "did you mean policy.T_mult",
    ),
    (["train", "polcy=sgdr"], "there is no key 'polcy'", "did you mean policy"),
    (["train", "policy=triangel"], "there is no policy 'triangel'", "did you mean triangular"),
    (["train", "policy=triangel"], "there is no policy 'triangel'", "multi_step, one_cycle"),
    (["train", "disease=pneumotorax"], "there is no disease 'pneumotorax'", "did you mean pneumothorax"),
    (["train", "experiment=x"], "there is no experiment 'x'", ""),
    (["train", "policy=null"], "must be a string or a list", "command line"),
    (["train", "seed"], "'seed' is not an override", "key=value"),
    (["train", "a b=1"], "'a b=1' is not an override", "key=value"),
    (["train", "lr=[1"], "'lr=[1' is not an override", "key=value"),
    (["train", "lr=${nope}"], "Interpolation key 'nope' not found", "lr"),
    (["train", "--config-dir", "nope"], "nope' not found", "a folder that exists"),
    (["train", "lr=0.1,0.2"], "lr=0.1,0.2 is several values", "clrx sweep lr=0.1,0.2"),
    (["train", "loss=a b("], "'loss=a b(' is not an override", "quote the value: \"loss='a b('\""),
    (["train", "+policy=sgdr"], "policy", "--help lists all keys"),
    (["train", "hydra.nope=1"], "there is no key 'hydra.nope'", ""),
    (["train", "seed.x=1"], "seed", ""),
    (["train", "~nothing"], "nothing", ""),
    (["train", "policy@x=sgdr"], "x", ""),
    (["train", "experiment=[a"], "'experiment=[a' is not an override", ""),
    (["train", "lr={a:1}"], "lr", "a number, above 0"),
    (["sweep", "seed=range(0)", "policy=constant"], "seed=range(0) has no value", "seed=0,1,2"),
    (["sweep", "seed=0,1("], "'seed=0,1(' is not an override", "quote the value"),
    (["completion", "tcsh"], "which shell?", "bash, zsh, fish"),
]


@pytest.mark.everyday(10)
@pytest.mark.parametrize(("arguments", "what", "more"), MISTAKES)
def test_a_mistake_gets_one_message_and_code_2(here, tmp_path, arguments, what, more):
    code, out, err = here(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert what in err.splitlines()[0]
    assert more in err
    assert "file://" not in err
    assert "  fix:     " in err, "a message says what to do"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("arguments", [["trian"], ["train", "policy=triangel"]])
def test_a_mistake_is_found_without_torch(clrx, tmp_path, arguments):
    code, out, err = clrx(*arguments)
    assert (code, out) == (2, "")
    assert "did you mean" in err
    assert list(tmp_path.iterdir()) == []


def test_an_option_of_ours_alone_is_offered(here):
    _, _, err = here("train", "dataset=x")
    assert "_common" not in err


@pytest.mark.parametrize("word", ["seed=3", "seed=${split.seed}", "lr=${bounds.max_lr}"])
def test_a_word_of_the_command_line_is_recorded_as_it_was_typed(here, monkeypatch, word):
    from clrx.task import train

    seen = []
    monkeypatch.setattr(train, "task", lambda cfg: seen.append(OmegaConf.to_container(cfg, resolve=True)))
    assert here("train", word) == (0, "", "")
    assert seen[0]["run"]["command"] == f"clrx train {word}"
    assert seen[0]["run"]["overrides"] == [word]
    assert isinstance(seen[0][word.partition("=")[0]], int | float)


PATHS = [
    "a=b",
    "/x (1)",
    "/x[ct]",
    "/a#b",
    "röntgen",
    "/a,b",
    "2024_05",
    "it's",
    "~/data",
    "a\\b",
    "100%",
    "a b",
]


@pytest.fixture
def composed(here, monkeypatch):
    """The configuration that a command line hands to `clrx train`."""
    from clrx.task import train

    def compose(*words: str) -> dict:
        seen = []
        monkeypatch.setattr(train, "task", lambda cfg: seen.append(OmegaConf.to_container(cfg, resolve=True)))
        assert here("train", *words) == (0, "", "")
        return seen[0]

    return compose


@pytest.mark.everyday(4)
@pytest.mark.parametrize("text", PATHS)
def test_a_path_is_taken_as_it_is_typed(composed, monkeypatch, tmp_path, text):
    monkeypatch.setenv("HOME", str(tmp_path))
    run_dir = f"runs/{text.strip('/')}"
    words = ["dataset=image_folder", f"dataset.root={text}", f"model.weights={text}"]
    cfg = composed(*words, f"hydra.run.dir={run_dir}")
    path = text.replace("~", str(tmp_path))
    assert (cfg["dataset"]["root"], cfg["model"]["weights"]) == (path, path)
    assert cfg["run"]["dir"] == str(tmp_path / run_dir)
    assert cfg["run"]["overrides"] == words, "recorded as they were typed"


def test_the_home_directory_of_a_run(composed, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert composed("hydra.run.dir=~/runs/1")["run"]["dir"] == str(tmp_path / "home" / "runs" / "1")
    assert not (tmp_path / "~").exists()


def test_flags_may_stand_among_the_keys(composed, tmp_path):
    (tmp_path / "mine = ü" / "policy").mkdir(parents=True)
    (tmp_path / "mine = ü" / "policy" / "own.yaml").write_text("_target_: own.Policy\n")
    cfg = composed("lr=0.5", "--config-dir", "mine = ü", "policy=own", "seed=3")
    assert (cfg["lr"], cfg["seed"], cfg["policy"]) == (0.5, 3, {"_target_": "own.Policy"})
    assert cfg["run"]["config_dir"] == str(tmp_path / "mine = ü")


def test_a_misspelt_name_is_compared_with_ones_own_too(here, tmp_path):
    (tmp_path / "mine" / "policy").mkdir(parents=True)
    (tmp_path / "mine" / "policy" / "sawtooth.yaml").write_text("_target_: sawtooth.Sawtooth\nheight: 1\n")
    assert "did you mean sawtooth?" in here("train", "--config-dir", "mine", "policy=sawtoth")[2]
    assert (
        "did you mean policy.height"
        in here("train", "--config-dir", "mine", "policy=sawtooth", "policy.heigt=2")[2]
    )


TABLE = "0,file,1\ncat,a.png,7\ndog,b.png,8\n"
COLUMNS = ["dataset=csv", "dataset.root=t.csv", "dataset.label=0", "dataset.path=file", "dataset.group=1"]


def test_a_column_may_be_named_by_a_number(tmp_path, monkeypatch):
    """`dataset.label=0` was read as a number: no such column."""
    from hydra import compose, initialize_config_dir

    from clrx.config.load import load
    from clrx.config.words import literal_words
    from clrx.data.open import load_source

    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text(TABLE)
    (tmp_path / "2024").mkdir()
    for name in ("a.png", "b.png"):
        (tmp_path / "2024" / name).touch()
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        source = load_source(load(compose("train", literal_words([*COLUMNS, "dataset.images=2024"]))).dataset)
    assert source.classes == ("cat", "dog")
    assert list(source.table["group"]) == ["7", "8"]


REFUSED = [
    (["train", "lr=-1"], "lr=-1"),
    (["train", "policy=triangular", "bounds.max_lr=0.001", "bounds.base_lr=0.1"], "bounds"),
    (["train", "epochs=0"], "epochs"),
]


@pytest.mark.parametrize(("arguments", "what"), REFUSED)
def test_a_refused_value_leaves_no_folder(here, tmp_path, arguments, what):
    code, out, err = here(*arguments)
    assert (code, out) == (2, "")
    assert what in err
    assert list(tmp_path.iterdir()) == []


def test_folders_that_were_there_stay(here, tmp_path):
    (tmp_path / "mine").mkdir()
    assert here("train", "lr=-1", "hydra.run.dir=mine/run")[0] == 2
    assert [path.name for path in tmp_path.rglob("*")] == ["mine"]
    (tmp_path / "mine").rmdir()
    assert here("train", "lr=-1", "hydra.run.dir=.")[0] == 2
    assert tmp_path.is_dir()


def test_a_run_directory_that_cannot_be_made(here, tmp_path):
    (tmp_path / "file").write_text("")
    code, _, err = here("train", "hydra.run.dir=file/run")
    assert code == 2
    assert "the run directory cannot be made: Not a directory" in err
    assert f"where:   {tmp_path / 'file' / 'run'}" in err


def test_debugging_adds_the_traceback(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CLRX_DEBUG", "1")
    assert run(["trian"]) == 2
    err = capsys.readouterr().err
    assert err.startswith("Traceback")
    assert err.endswith("fix:     did you mean train?\n")


@pytest.mark.parametrize("arguments", ["completion bash", "train --help"])
def test_a_reader_that_leaves_early_is_no_error(tmp_path, arguments):
    command = f"{sys.executable} -m clrx {arguments} | true"
    done = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.stderr == ""


COMPLETIONS = [
    ([], list(COMMANDS)),
    ([""], list(COMMANDS)),
    (["re"], ["resume", "report"]),
    (["x"], []),
    (["train", "policy=tri"], ["policy=triangular", "policy=triangular2"]),
    (["train", "policy=tri", "seed=1", "plan=si"], ["plan=single"]),
    (["train", "dataset=_"], []),  # _common is no dataset
    (["train", "bounds.s"], ["bounds.step_size="]),  # keys of a group's options
    (["train", "policy.T"], ["policy.T_0=", "policy.T_mult="]),
    (["train", "loss.f"], ["loss.focal_gamma="]),
    (["train", "policy._"], []),
    (["train", "nothing=x"], []),
    (["train", "hydra"], []),
    (["train", "default"], []),
    (["sweep", "policy=constant,tri"], ["policy=constant,triangular", "policy=constant,triangular2"]),
    (["sweep", "policy=triangular,triangular"], ["policy=triangular,triangular2"]),
    (["train", "dataset.root=da"], ["dataset.root=data/", "dataset.root=dada.csv"]),
    (["train", "hydra.run.dir=data/"], ["hydra.run.dir=data/a=1/"]),
    (["report", "data/a"], ["data/a=1/"]),
    (["resume", "data/a="], ["data/a=1/"]),
    (["resume", "nowhere/"], []),
    (["verify", ""], ["dada.csv", "data/"]),
    (["list", "pol"], ["policy"]),
    (["completion", "z"], ["zsh"]),
]


@pytest.mark.parametrize(("given", "expected"), COMPLETIONS)
def test_words_that_may_come_next(tmp_path, monkeypatch, given, expected):
    (tmp_path / "data" / "a=1").mkdir(parents=True)
    (tmp_path / "dada.csv").touch()
    (tmp_path / ".hidden").touch()
    monkeypatch.chdir(tmp_path)
    assert sorted(words(given, list(COMMANDS), conf_dir())) == sorted(expected)


def test_keys_and_groups_are_offered_together():
    offered = words(["train", ""], list(COMMANDS), conf_dir())
    assert {"policy=", "dataset=", "lr=", "loss.focal_gamma=", "checkpoint.every="} <= set(offered)
    assert len(offered) == len(set(offered))
    assert all(re.fullmatch(r"[a-zA-Z_0-9.]+=", word) for word in offered)


def test_options_in_folders_are_offered_with_the_folder(tmp_path):
    (tmp_path / "experiment" / "paper").mkdir(parents=True)
    (tmp_path / "experiment" / "paper" / "table_1.yaml").touch()
    (tmp_path / "train.yaml").touch()
    assert words(["train", "experiment=p"], [], tmp_path) == ["experiment=paper/table_1"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_gets_its_script(here, shell):
    code, out, err = here("completion", shell)
    assert (code, err) == (0, "")
    assert re.search("clrx completion (words|line)", out)


@pytest.fixture(scope="module")
def on_the_path(tmp_path_factory):
    """The start of a script: a folder on the PATH that has `clrx`."""
    folder = tmp_path_factory.mktemp("bin")
    (folder / "clrx").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m clrx "$@"\n')
    (folder / "clrx").chmod(0o755)
    return f'PATH="{folder}:$PATH"\n'


def completed(shell: str, script: str) -> list[str]:
    """What a script prints, line by line."""
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")
    done = subprocess.run([shell, "-c", script], capture_output=True, text=True, timeout=120)
    assert done.stderr == ""
    return done.stdout.split()


def test_bash_completes_what_stands_behind_the_equals_sign(on_the_path):
    """Source the script as a user does and ask it for what Tab asks; the breaks of words stay as they are."""
    script = f"""{on_the_path}
    before=$COMP_WORDBREAKS
    source <(clrx completion bash)
    [[ $before == "$COMP_WORDBREAKS" ]] && echo same
    compopt() {{ :; }}
    COMP_LINE="clrx sweep seed=0,1 policy=constant,tri" COMP_POINT=${{#COMP_LINE}}
    COMP_POINT=39
    _clrx
    printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    assert completed("bash", script) == ["same", "constant,triangular", "constant,triangular2"]


@pytest.mark.slow
def test_fish_completes(on_the_path):
    script = "clrx completion fish | source; complete -C 'clrx train policy=tri'"
    path = on_the_path.split('"')[1].split(":")[0]
    found = completed("fish", f"set -x PATH {path} $PATH; {script}")
    assert found == ["policy=triangular", "policy=triangular2"]


@pytest.mark.slow
def test_zsh_completes(on_the_path):
    script = f"""{on_the_path}
    compdef() {{ :; }}
    compadd() {{ shift 3; print -l -- $@; }}
    source <(clrx completion zsh)
    words=(clrx train policy=tri) CURRENT=3
    _clrx
    """
    assert completed("zsh", script) == ["policy=triangular", "policy=triangular2"]
