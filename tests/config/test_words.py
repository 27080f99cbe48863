"""Words of a command line: paths and names are taken as they are typed, everything else in Hydra's grammar."""

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from clrx.config.words import flags_last, literal_words, quoted

PARSER = OverridesParser.create()
TEXTS = [
    *("a=b", "/x (1)", "/x[ct]", "/a#b", "röntgen", "/a,b", "2024_05", "2024", "1e3", "true", "it's", "'it"),
    *(
        r"a\b",
        "a\\",
        r"a\'b",
        'say "x"',
        "[a,b]",
        "{a:1}",
        "a:b",
        "a b",
        " a",
        "x%20y",
        "a?b*c",
        "a;b|c&d",
        "日本",
    ),
    *("choice(a)", "range(3)", "/a/b/policy=constant_seed=0", "@x", "-x", "+x", "a\tb"),
]


def value_of(word: str):
    """What Hydra reads, as one value."""
    parsed = PARSER.parse_override(word)
    assert not parsed.is_sweep_override()
    return parsed.value()


@pytest.mark.parametrize("text", [*TEXTS, "", "null", "${oc.env:HOME}/x", "~"])
def test_a_quoted_text_is_read_as_it_is(text):
    assert value_of(f"key={quoted(text)}") == text


@pytest.mark.parametrize("key", ["dataset.root", "+dataset.root", "hydra.run.dir", "model.weights"])
@pytest.mark.parametrize("text", TEXTS)
def test_a_path_is_taken_as_it_is_typed(key, text):
    (word,) = literal_words([f"{key}={text}"])
    assert value_of(word) == text
    assert literal_words([word]) == [word], "and once more"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("~", "/home/me"),
        ("~/a b", "/home/me/a b"),
        ("'~/a b'", "/home/me/a b"),
        ("/~/x", "/~/x"),
        ("a~", "a~"),
    ],
)
def test_the_home_directory_of_a_path(monkeypatch, text, value):
    monkeypatch.setenv("HOME", "/home/me")
    assert value_of(literal_words([f"dataset.root={text}"])[0]) == value
    assert literal_words(["--config-dir=~/mine"]) == ["--config-dir=/home/me/mine"]


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("dataset.root=null", None),
        ("dataset.root='null'", "null"),
        ("dataset.root=\"a b\"", "a b"),
        ("model.weights=imagenet", "imagenet"),
        ("dataset.root=${oc.env:HOME}/data", "${oc.env:HOME}/data"),
    ],
)  # fmt: skip
def test_null_quotes_and_references_keep_their_meaning(word, value):
    assert value_of(literal_words([word])[0]) == value


@pytest.mark.parametrize(
    ("dataset", "word", "value"),
    [
        ("csv", "dataset.label=0", "0"),
        ("csv", "dataset.images=2024", "2024"),
        ("csv", "dataset.group=null", None),
        ("csv", "dataset.positive=true", "true"),
        ("chestxray14", "dataset.label=[Edema,Mass]", "[Edema,Mass]"),
        ("phantom", "dataset.images=2024", 2024),  # a number of images
        ("mine", "dataset.images=2024", 2024),
        ("csv", "dataset.size=32", 32),
    ],
)
def test_a_name_is_text_where_the_dataset_says_so(dataset, word, value):
    assert value_of(literal_words([f"dataset={dataset}", word])[1]) == value


def test_words_that_hydra_reads_rightly_stay_as_they_are():
    words = [
        "dataset.root=/a/b.c-d",
        "lr=0.1",
        "seed=0,1",
        "policy=sgdr",
        "+x=[1,2]",
        "--cfg",
        "job",
        "a b=1",
    ]
    assert literal_words(words) == words


def test_a_sweep_takes_lists_of_paths(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a b", "c", "d,e", "d", "e"):
        (tmp_path / name).mkdir()

    def swept(word: str) -> list:
        parsed = PARSER.parse_override(literal_words([word], several=True)[0])
        return (
            [str(one) for one in parsed.sweep_string_iterator()]
            if parsed.is_sweep_override()
            else [parsed.value()]
        )

    assert swept("dataset.root=a b,c") == ["'a b'", "'c'"]
    assert swept("dataset.root=c") == ["c"]
    assert swept("dataset.root=d,e") == ["d,e"], "a path that exists is one"
    assert swept("model.weights=null,imagenet") == ["null", "imagenet"]
    assert swept("dataset.root=/not (there)") == ["/not (there)"]


def test_flags_may_stand_anywhere():
    words = [
        "a=1",
        "--config-dir",
        "mine",
        "b=2",
        "--cfg",
        "job",
        "c=3",
        "--resolve",
        "--info",
        "d=4",
        "-cd=x",
        "-m",
        "e=5",
    ]
    overrides = ["a=1", "b=2", "c=3", "d=4", "e=5"]
    flags = ["--config-dir", "mine", "--cfg", "job", "--resolve", "--info", "-cd=x", "-m"]
    assert flags_last(words) == [*overrides, *flags]
    assert flags_last(["--info", "searchpath", "a=1"]) == ["a=1", "--info", "searchpath"]
