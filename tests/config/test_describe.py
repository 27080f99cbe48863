"""What people are told of the configuration is made from the schema and from conf/, and is up to date."""

import subprocess
import sys

from nodes import CONF, composed

from clrx.config.describe import help_lines
from clrx.config.options import values_of


def test_docs_configuration_is_up_to_date():
    asked = [sys.executable, "-m", "clrx.config.describe"]
    made = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    page = (CONF.parent / "docs" / "configuration.md").read_text()
    assert made == page, "stale: python -m clrx.config.describe > docs/configuration.md"


def test_every_option_of_every_group_is_explained():
    page = (CONF.parent / "docs" / "configuration.md").read_text()
    for group in ("dataset", "model", "head", "optimizer", "policy", "momentum_policy", "augment", "plan"):
        for file in (CONF / group).glob("[!_]*.yaml"):
            assert f"### {group}={file.stem}\n" in page


def test_help_has_each_key_with_default_unit_and_limits_in_100_columns():
    lines = list(help_lines("train", composed()))
    assert max(map(len, lines)) <= 100
    text = " ".join(" ".join(lines).split())
    assert "batch_size [default ${dataset.recipe.batch_size} images] a whole number, at least 1" in text
    assert "precision [default auto] auto, fp32, bf16" in text
    assert "split.folds [default 5] a whole number, at least 2, or null" in text


def test_values_to_complete():
    assert values_of("precision") == ["auto", "fp32", "bf16"]
    assert values_of("deterministic") == ["true", "false"]
    assert values_of("batch_size") == values_of("model.weights") == values_of("nonsense") == []
