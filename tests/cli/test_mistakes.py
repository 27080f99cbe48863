"""Mistakes that people make who come from other systems: each is answered with the words that help."""

import pytest
from hydra._internal.utils import get_args_parser

from clrx.cli.main import run
from clrx.config.aliases import COUNTS, KEYS, OPTIONS, VALUES
from clrx.config.limits import keys_of, section_at
from clrx.config.options import keys_of_group, options_of
from clrx.config.schema import TrainConfig
from clrx.config.words import FLAGS, VALUED
from clrx.core.paths import conf_dir

ANSWERS = [  # what is typed after `clrx`, what helps
    ("train policy=constant,triangular", "clrx sweep policy=constant,triangular"),
    ("train seed=0,1", "clrx sweep seed=0,1"),
    ("train seeds=0,1", "clrx sweep seed=0,1"),
    ("train lr=0,01", "write lr=0.01"),
    ("train --epochs 5", "write epochs=5"),
    ("train --epochs=5", "write epochs=5"),
    ("train --learning-rate 0.1 seed=1", "write lr=0.1"),
    ("train policy=constant --lr", "write lr=VALUE"),
    ("train -e 5", "clrx COMMAND --help"),
    ("find-lr --images 5", "write images=5"),
    ("train learning_rate=0.1", "write lr=0.1"),
    ("train img_size=32", "write dataset.size=32"),
    ("train imgsz=32", "write dataset.size=32"),
    ("train root=/data", "write dataset.root=/data"),
    ("train bs=4", "write batch_size=4"),
    ("train epoch=4", "write epochs=4"),
    ("train num_workers=4", "write workers=4"),
    ("train gpu=0", "write device=cuda:0"),
    ("train device=gpu", "write device=cuda"),
    ("train precision=fp16", "write precision=bf16"),
    ("train pretrained=true", "write model.weights=imagenet"),
    ("train augmentation=none", "write augment=none"),
    ("train scheduler=sgdr", "write policy=sgdr"),
    ("train patience=3", "write early_stopping.patience=3"),
    ("train early_stopping=3", "write early_stopping.patience=3"),
    ("train loss=focal", "write loss.focal_gamma=2"),
    ("train mix=mixup", "write mix.mixup=0.2"),
    ("train policy=cyclic", "write policy=triangular"),
    ("train policy=OneCycleLR", "write policy=one_cycle"),
    ("train policy=reduce_on_plateau", "write plan=decay"),
    ("train dataset=/data/xrays", "write dataset=image_folder dataset.root=/data/xrays"),
    ("train dataset=/data/labels.csv", "write dataset=csv dataset.root=/data/labels.csv"),
    ("train dataset=./breast.npz", "write dataset=npz dataset.root=./breast.npz"),
    ("train dataset=mydata", "write dataset=image_folder dataset.root=DIR"),
    ("train dataset=ham10000", "write dataset=dermatology"),
    ("train model=efficientnet_b0", "write model=timm model.name=efficientnet_b0"),
    ("train train epochs=2", "write it once"),
    ("trian", "did you mean train?"),
]


@pytest.mark.everyday(8)
@pytest.mark.parametrize(("line", "answer"), ANSWERS)
def test_a_mistake_is_answered_with_what_to_write(monkeypatch, tmp_path, capsys, line, answer):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HYDRA_FULL_ERROR", "0")
    assert run(line.split()) == 2
    out, err = capsys.readouterr()
    assert f"  fix:     {answer}" in err.replace("write lr=0.01; clrx", "write lr=0.01\n")
    assert out == ""
    assert list(tmp_path.iterdir()) == []


def test_a_file_where_a_folder_is_expected_and_the_other_way_round(monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HYDRA_FULL_ERROR", "0")
    (tmp_path / "labels.csv").write_text("path,label\na.png,x\n")
    assert run(["train", "dataset=image_folder", "dataset.root=labels.csv"]) == 2
    assert "dataset=csv" in capsys.readouterr().err
    (tmp_path / "folder").mkdir()
    assert run(["train", "dataset=csv", "dataset.root=folder"]) == 2
    assert "dataset=image_folder" in capsys.readouterr().err


def test_help_stands_anywhere_and_is_ours(monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    texts = []
    for words in (["train", "--help"], ["help", "train"], ["train", "model=cnn4", "--help"]):
        assert run(words) == 0
        texts.append(capsys.readouterr().out)
    assert texts[0] == texts[1]
    assert all(text.startswith("clrx train: ") for text in texts)
    assert list(tmp_path.iterdir()) == []


def test_what_is_to_be_written_exists():
    conf = conf_dir()
    known = {key.name for key in keys_of(TrainConfig)} | {"hydra.run.dir", "dataset.root", "dataset.label"}
    for folder in filter(lambda path: path.is_dir(), conf.iterdir()):
        known |= {folder.name, *keys_of_group(folder)}
    written = [
        *KEYS.values(),
        *COUNTS.values(),
        *(one for values in VALUES.values() for one in values.values()),
    ]
    assert {text.partition("=")[0] for text in written} <= known
    assert all(section_at(TrainConfig, [name]) for name in COUNTS)
    for names in OPTIONS.values():
        for text in names.values():
            group, _, option = text.partition("=")
            assert option in options_of(conf / group), text


def test_the_flags_are_those_of_hydra():
    parser = get_args_parser()
    assert set(FLAGS) == set(parser._option_string_actions)
    valued = {flag for one in parser._actions if one.nargs is None for flag in one.option_strings}
    assert set(VALUED) == valued
