"""A plan is refused, with the place of its mistake, before any data is read."""

import pytest
from plans import CONSTANT, PHASE, config, phases_of

from clrx.config.sections import EarlyStopping, RateScales
from clrx.core.errors import UserError
from clrx.schedule.progress import Progress


def test_what_a_phase_does_not_say():
    (phase,) = phases_of(config(PHASE))
    assert (phase.name, phase.epochs, phase.trainable, phase.start) == ("main", 4, "all", "previous")
    assert phase.rate_scales == RateScales(early=1.0, middle=1.0, head=1.0)
    assert phase.stopping == EarlyStopping(patience=None, metric="auto", min_delta=0.0)
    assert (phase.features, phase.feature_copies) == (False, 1)
    assert phase.momentum_policy is None
    assert phase.policy(Progress(3, 1.5, 0.4)) == 0.01
    assert phase.cycle_ends == ()


def test_what_a_phase_says():
    triangular = {"_target_": "clrx.policy.triangular.Triangular", "base_lr": 0, "max_lr": 1, "step_size": 1}
    says = {
        "trainable": "head",
        "features": "computed",
        "feature_copies": 3,
        "rate_scales": {"early": 0, "head": 2},
        "early_stopping": {"patience": 2},
        "start": "best",
        "policy": triangular,
    }
    first, second = phases_of(config(PHASE, PHASE | says | {"name": "head"}))
    assert (second.trainable, second.features, second.feature_copies) == ("head", True, 3)
    assert second.rate_scales == RateScales(early=0.0, middle=1.0, head=2.0)
    assert second.stopping == EarlyStopping(patience=2, metric="auto", min_delta=0.0)
    assert second.start == "best"
    assert second.cycle_ends == (2.0, 4.0)
    assert first.name == "main"


def test_phases_share_the_warmup_and_the_early_stopping_of_the_run():
    stopping = {"patience": 5, "metric": "loss", "min_delta": 0.1}
    cfg = config(PHASE, warmup={"epochs": 2, "start_factor": 0.5}, early_stopping=stopping)
    (phase,) = phases_of(cfg)
    assert phase.stopping == EarlyStopping(patience=5, metric="loss", min_delta=0.1)
    assert phase.policy(Progress(0, 0.0, 0.0)) == pytest.approx(0.005)
    assert phase.policy(Progress(8, 2.0, 0.5)) == pytest.approx(0.01)


@pytest.mark.parametrize("sections", [["early"], ["middle", "head"], ["early", "middle", "head"]])
def test_sections_may_be_listed(sections):
    assert phases_of(config(PHASE | {"trainable": sections}))[0].trainable == tuple(sections)


BAD = [
    ({"epochs": None}, "plan.phases.0.epochs=null", "a whole number, at least 1"),
    ({"epochs": 0}, "plan.phases.0.epochs=0", "at least 1"),
    ({"epochs": 2.5}, "plan.phases.0.epochs=2.5", "whole number"),
    ({"epochs": True}, "plan.phases.0.epochs=true", "whole number"),
    ({"epochs": "4"}, "plan.phases.0.epochs=4", "whole number"),
    ({"epoch": 4}, "no key 'plan.phases.0.epoch'", "did you mean epochs"),
    ({"name": None}, "plan.phases.0.name=null", "printable text"),
    ({"name": " "}, "plan.phases.0.name= ", "printable text"),
    ({"name": "a\nb"}, "plan.phases.0.name=a", "printable text"),
    ({"policy": None}, "plan.phases.0.policy=null", "_target_"),
    ({"policy": {}}, "plan.phases.0.policy={}", "_target_"),
    ({"policy": "triangular"}, "policy=triangular takes the place of its keys", "policy=NAME"),
    ({"policy": CONSTANT | {"lr": -1}}, "-1", "lr"),
    ({"policy": CONSTANT | {"rate": 1}}, "unexpected keyword argument 'rate'", "policy"),
    ({"trainable": "heads"}, "plan.phases.0.trainable=heads", "all, head, a list of early or middle or head"),
    ({"trainable": None}, "plan.phases.0.trainable=null", "all, head, a list"),
    ({"trainable": []}, "plan.phases.0.trainable=[]", "all, head, a list"),
    ({"trainable": ["head", "tail"]}, "trainable=['head', 'tail']", "early or middle or head"),
    ({"rate_scales": {"heads": 1}}, "no key 'plan.phases.0.rate_scales.heads'", "did you mean head"),
    ({"rate_scales": {"head": -1}}, "plan.phases.0.rate_scales.head=-1", "at least 0"),
    ({"rate_scales": {"head": float("inf")}}, "plan.phases.0.rate_scales.head=inf", "a number"),
    ({"rate_scales": {"head": "x"}}, "plan.phases.0.rate_scales.head=x", "a number"),
    ({"rate_scales": 2}, "plan.phases.0.rate_scales=2", "the keys under"),
    ({"early_stopping": {"patience": 0}}, "plan.phases.0.early_stopping.patience=0", "at least 1"),
    ({"early_stopping": {"patience": 1.5}}, "plan.phases.0.early_stopping.patience=1.5", "whole"),
    ({"early_stopping": {"min_delta": -1}}, "plan.phases.0.early_stopping.min_delta=-1", "at least 0"),
    (
        {"early_stopping": {"patiance": 3}},
        "no key 'plan.phases.0.early_stopping.patiance'",
        "did you mean patience",
    ),
    ({"early_stopping": 3}, "plan.phases.0.early_stopping=3", "the keys under"),
    ({"features": "yes"}, "plan.phases.0.features=yes", "computed, or null"),
    ({"features": "computed"}, "computed features need a frozen body", "trainable: head"),
    ({"feature_copies": 0}, "plan.phases.0.feature_copies=0", "at least 1"),
    ({"start": "last"}, "plan.phases.0.start=last", "previous, best"),
]


@pytest.mark.parametrize(("changed", "what", "more"), BAD)
def test_what_a_phase_may_not_say(changed, what, more):
    with pytest.raises(UserError) as caught:
        phases_of(config(PHASE | changed))
    assert what in caught.value.what
    assert more in str(caught.value)


@pytest.mark.parametrize(
    ("cfg", "what"),
    [
        (config(), "plan.phases=[] is not possible"),
        (config(plan=None), "plan=None takes the place of its keys"),
        (config(plan={"phases": None}), "plan.phases=null"),
        (config(plan={"phases": "main"}), "plan.phases=main"),
        (config("main"), "plan.phases.0=main takes the place of its keys"),
        (config(PHASE, PHASE), "two phases have one name: main, main"),
        (config(PHASE, PHASE | {"name": "b", "epochs": 0}), "plan.phases.1.epochs=0"),
    ],
)
def test_what_no_plan_may_be(cfg, what):
    with pytest.raises(UserError) as caught:
        phases_of(cfg)
    assert caught.value.what.startswith(what)
