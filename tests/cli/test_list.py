"""`clrx list`: what can be chosen, with a line for each."""

import pytest

from clrx.cli.list import listed, main
from clrx.config.options import groups_of, options_of
from clrx.core.errors import UserError
from clrx.core.paths import conf_dir


def test_every_option_of_every_group_is_listed(capsys):
    conf = conf_dir()
    assert main([], conf) == 0
    out = capsys.readouterr().out
    for group in groups_of(conf):
        assert f"{group}=NAME" in out
        assert all(f"  {name} " in out or f"  {name}\n" in out for name in options_of(conf / group))


def test_every_policy_model_and_dataset_says_what_it_is():
    for group in ("policy", "model", "dataset", "optimizer", "plan", "augment"):
        for name in options_of(conf_dir() / group):
            (line,) = [
                line for line in listed(group, conf_dir(), columns=10_000) if line.split()[:1] == [name]
            ]
            assert len(line.split()) > 2, line


@pytest.mark.parametrize("name", ["policy", "policies"])
def test_a_group_by_either_number(capsys, name):
    main([name], conf_dir())
    out = capsys.readouterr().out
    assert "triangular2" in out
    assert "mobilenet" not in out
    assert max(map(len, out.splitlines())) <= 80


def test_ones_own_are_marked(tmp_path, capsys):
    (tmp_path / "policy").mkdir()
    (tmp_path / "policy" / "sawtooth.yaml").write_text(
        "# Up, then down at once.\n_target_: sawtooth.Sawtooth\n"
    )
    main(["policies", "--config-dir", str(tmp_path)], conf_dir())
    out = capsys.readouterr().out
    assert "(yours) Up, then down at once." in out
    assert out.count("(yours)") == 1


def test_an_unknown_group_is_told_the_known(capsys):
    with pytest.raises(UserError, match="there is no group 'polices'") as caught:
        main(["polices"], conf_dir())
    assert "policies" in caught.value.fix
