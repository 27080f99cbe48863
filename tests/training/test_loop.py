"""The loop: a generator that sets the rate, takes the step, yields it, and leaves nothing behind."""

import math
import threading
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from clrx.data.feed import open_feed
from clrx.schedule.progress import Progress
from clrx.training.batches import Clock
from clrx.training.loop import Work, decay_at, start_ema, train_steps, update_ema
from clrx.training.loss import Loss

N, CLASSES = 11, 3
IMAGES = np.random.default_rng(0).integers(0, 256, (N + 4, 1, 4, 4), dtype=np.uint8)
LABELS = np.random.default_rng(1).integers(0, CLASSES, N + 4)
ROWS = np.arange(N)[::-1] + 2  # positions of the clock are not rows of the array


def prepare(images, draw):
    return images.float() / 255


def constant(progress):
    return 0.1


def network(dropout: float = 0.0, seed: int = 0) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nn.Sequential(
            nn.Flatten(), nn.Linear(16, 8), nn.Tanh(), nn.Dropout(dropout), nn.Linear(8, CLASSES)
        )


def work_on(net: nn.Module, momentum: float = 0.9, **changed) -> Work:
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=momentum)
    optimizer.param_groups[0]["lr_scale"] = 1.0
    return replace(Work(net, optimizer, Loss("multiclass"), constant, prepare, seed=5), **changed)


def clock_of(batch_size=3, epochs=2, accumulate=1, **changed) -> Clock:
    return Clock(N, batch_size, epochs, seed=5, accumulate=accumulate, **changed)


def feed(**settings):
    return open_feed(IMAGES, LABELS, "cpu", **settings)


def weights_of(net: nn.Module) -> torch.Tensor:
    return nn.utils.parameters_to_vector(net.parameters()).detach().clone()


def train(work: Work, clock: Clock, start: int = 0, **settings):
    return list(train_steps(work, feed(**settings), ROWS, clock, start))


@pytest.mark.parametrize(
    ("batch_size", "accumulate"),
    [(3, 2), (2, 3), (6, 4)],  # batches of 3+3, 3+2; of 2+2+2, 2+2 and one image less; all in one step
)
def test_accumulated_gradients_are_those_of_the_big_batch(batch_size, accumulate):
    small, big = network(), network()
    pieces = train(work_on(small), clock_of(batch_size, accumulate=accumulate))
    whole = train(work_on(big), clock_of(batch_size * accumulate))
    if batch_size == 2:  # the single last image is left out: compare what both have seen
        pieces, whole = pieces[:1], whole[:1]
    else:
        assert torch.allclose(weights_of(small), weights_of(big), atol=1e-7)
    assert [step.images for step in pieces] == [step.images for step in whole]
    assert [float(step.loss) for step in pieces] == pytest.approx([float(step.loss) for step in whole])
    assert [float(step.correct) for step in pieces] == [float(step.correct) for step in whole]


def test_a_step_is_gradient_descent_on_the_mean_loss_of_its_rows():
    net, clock = network(), clock_of(batch_size=4)
    by_hand, (batch,) = network(), clock.groups(0)[0]
    images, labels = (
        torch.from_numpy(IMAGES[ROWS[batch]]).float() / 255,
        torch.from_numpy(LABELS[ROWS[batch]]),
    )
    logits = by_hand(images)
    expected = nn.functional.cross_entropy(logits, labels)
    gradients = torch.autograd.grad(expected, list(by_hand.parameters()))
    before = weights_of(net)
    step = next(train_steps(work_on(net, momentum=0.0, rate_factor=0.5), feed(), ROWS, clock))
    after = before - 0.05 * torch.cat([gradient.flatten() for gradient in gradients])
    assert torch.allclose(weights_of(net), after, atol=1e-7)
    assert (step.lr, step.momentum, step.images) == (0.05, None, 4)
    assert float(step.loss) == pytest.approx(expected.item())
    assert float(step.correct) == int((logits.argmax(1) == labels).sum())
    assert not step.loss.requires_grad
    assert all(parameter.grad is None for parameter in net.parameters())


@pytest.mark.parametrize("accumulate", [1, 2])
@pytest.mark.parametrize("start", [0, 1, 3, 4])
def test_started_anywhere_the_rest_is_bit_equal(start, accumulate):
    clock = clock_of(batch_size=3, epochs=3, accumulate=accumulate)
    first = work_on(network(dropout=0.5))
    steps, net_state, optimizer_state = [], None, None
    for number, step in enumerate(train_steps(first, feed(), ROWS, clock)):
        steps.append(step)
        if number + 1 == start:
            net_state = {name: tensor.clone() for name, tensor in first.network.state_dict().items()}
            optimizer_state = first.optimizer.state_dict()
            optimizer_state = torch.utils._pytree.tree_map_only(torch.Tensor, torch.clone, optimizer_state)
    second = work_on(network(dropout=0.5, seed=0 if start == 0 else 99))
    if start:
        second.network.load_state_dict(net_state)
        second.optimizer.load_state_dict(optimizer_state)
    torch.manual_seed(12345)  # whatever was drawn before is no matter
    rest = train(second, clock, start)
    assert len(steps) == clock.total_steps
    assert [float(step.loss) for step in rest] == [float(step.loss) for step in steps[start:]]
    assert [step.progress for step in rest] == [step.progress for step in steps[start:]]
    assert torch.equal(weights_of(second.network), weights_of(first.network))


def test_dropout_differs_from_step_to_step_and_by_seed():
    masks = []

    class Spy(nn.Dropout):
        def forward(self, value):
            masks.append(super().forward(torch.ones(1, 64)))
            return value

    for seed in (5, 6):
        net = nn.Sequential(nn.Flatten(), Spy(0.5), nn.Linear(16, CLASSES))
        train(work_on(net, seed=seed), clock_of(epochs=1))
    assert len({tuple(mask.flatten().tolist()) for mask in masks}) == len(masks) == 8


def state_after(take) -> bool:
    """Whether torch's random state is what it was before."""
    torch.manual_seed(1)
    before = torch.get_rng_state()
    take(train_steps(work_on(network(dropout=0.5)), feed(budget_bytes=0), ROWS, clock_of()))
    return torch.equal(torch.get_rng_state(), before)


def break_out(steps):
    for number, _ in enumerate(steps):
        if number == 1:
            break
    steps.close()


def raise_within(steps):
    next(steps)
    with pytest.raises(KeyboardInterrupt):
        steps.throw(KeyboardInterrupt)


@pytest.mark.parametrize("take", [list, break_out, raise_within, next, lambda steps: None])
def test_torchs_random_state_and_threads_are_left_as_they_were(take):
    def whole(steps):
        take(steps)
        steps.close()

    assert state_after(whole)
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("clrx-feed")]


def test_breaking_out_closes_the_stream():
    """Also where something still refers to it, so that it would not be closed by being forgotten."""
    streams, source = [], feed()

    class Held:
        def stream(self, batches):
            streams.append(source.stream(batches))
            return streams[-1]

    steps = train_steps(work_on(network()), Held(), ROWS, clock_of())
    next(steps)
    steps.close()
    assert list(streams[0]) == []


def test_breaking_out_leaves_the_network_as_the_last_step_left_it():
    broken, whole = network(), network()
    steps = train_steps(work_on(broken), feed(budget_bytes=0), ROWS, clock_of(batch_size=4, epochs=2))
    for _ in range(2):
        next(steps)
    steps.close()
    kept, full = (
        weights_of(broken),
        train_steps(work_on(whole), feed(), ROWS, clock_of(batch_size=4, epochs=2)),
    )
    next(full), next(full)
    assert torch.equal(kept, weights_of(whole))
    assert torch.equal(kept, weights_of(broken))
    full.close()


def test_policies_are_asked_once_a_step_with_its_progress():
    asked, momenta = [], []

    def policy(progress):
        asked.append(progress)
        return 0.01 * (progress.step + 1)

    def momentum_policy(progress):
        momenta.append(progress)
        return 0.9 - 0.1 * progress.step

    work = work_on(network(), policy=policy, momentum_policy=momentum_policy, rate_factor=0.5)
    seen = []
    for step in train_steps(work, feed(), ROWS, clock_of(batch_size=6, accumulate=1, first_epoch=7)):
        (group,) = work.optimizer.param_groups
        seen.append((step.lr, group["lr"], step.momentum, group["momentum"]))
    expected = [(0, 0.0, 0.0), (1, 0.5, 0.25), (2, 1.0, 0.5), (3, 1.5, 0.75)]
    assert asked == momenta == [Progress(*row) for row in expected]
    rates = [(0.005 * (n + 1), 0.9 - 0.1 * n) for n in range(4)]
    assert seen == [pytest.approx((lr, lr, momentum, momentum)) for lr, momentum in rates]


def test_every_batch_has_a_draw_of_its_own_that_no_start_changes():
    def draws_of(clock, start=0, seed=5):
        draws = []

        def noting(images, draw):
            draws.append(draw)
            return prepare(images, draw)

        train(work_on(network(), prepare=noting, seed=seed), clock, start)
        return draws

    whole = draws_of(clock_of(batch_size=3, accumulate=2, epochs=4))
    assert len(set(whole)) == len(whole) == 4 * 4
    assert draws_of(clock_of(batch_size=3, accumulate=2, epochs=4), start=3) == whole[6:]
    later = draws_of(clock_of(batch_size=3, accumulate=2, epochs=1, first_epoch=3))
    assert later == whole[12:]  # the second phase goes on where the first one ended


def test_mixing_gets_what_was_prepared_and_the_same_draw():
    seen = []

    def noting(images, draw):
        seen.append(draw)
        return prepare(images, draw)

    def mix(images, labels, draw):
        assert draw == seen[-1]
        assert images.dtype == torch.float32
        return images, nn.functional.one_hot(labels, CLASSES).float()

    mixed = train(work_on(network(), prepare=noting, mix=mix), clock_of())
    plain = train(work_on(network()), clock_of())
    assert [float(step.loss) for step in mixed] == pytest.approx([float(step.loss) for step in plain])


def test_gradients_are_clipped_over_all_of_a_step():
    def moved(**changed):
        net = network()
        before = weights_of(net)
        steps = train_steps(
            work_on(net, momentum=0.0, policy=lambda progress: 1.0, **changed),
            feed(),
            ROWS,
            clock_of(accumulate=2),
        )
        next(steps)
        steps.close()
        return weights_of(net) - before

    free, clipped, loose = moved(), moved(grad_clip=0.01), moved(grad_clip=1e6)
    assert float(clipped.norm()) == pytest.approx(0.01, rel=1e-3)
    assert torch.allclose(clipped / clipped.norm(), free / free.norm(), atol=1e-5)
    assert torch.equal(loose, free)


def test_the_average_follows_every_step():
    net = network()
    ema = start_ema(net)
    expected = weights_of(net)
    for number, _ in enumerate(train_steps(work_on(net, ema=ema, ema_decay=0.3), feed(), ROWS, clock_of())):
        decay = min(0.3, (1 + number) / (10 + number))
        expected = decay * expected + (1 - decay) * weights_of(net)
        assert torch.allclose(weights_of(ema), expected, atol=1e-7)


def test_the_decay_of_the_average_rises():
    """At 0.999 the initial weights have no share left after 164 steps; without the rise they have 85%."""
    assert [decay_at(0.999, number) for number in (0, 1, 90)] == [0.1, 2 / 11, 0.91]
    assert decay_at(0.999, 10_000) == 0.999
    assert math.prod(decay_at(0.999, number) for number in range(164)) < 1e-12
    assert 0.999**164 > 0.84


class Penalised(nn.Module):
    def __init__(self, penalty):
        super().__init__()
        self.head = nn.Sequential(nn.Flatten(), nn.Linear(16, CLASSES))
        self.value, self.head.penalty = penalty, None

    def forward(self, images):
        self.head.penalty = None if self.value is None else self.value * self.head[1].weight.square().sum()
        return self.head(images)


def test_the_heads_penalty_is_part_of_the_loss():
    plain, penalised = Penalised(None), Penalised(0.5)
    penalised.load_state_dict(plain.state_dict())
    square = float(plain.head[1].weight.detach().square().sum())
    first, second = (train(work_on(net), clock_of(accumulate=4, epochs=1))[0] for net in (plain, penalised))
    assert float(second.loss) == pytest.approx(float(first.loss) + 0.5 * square)
    assert not torch.allclose(weights_of(plain), weights_of(penalised))


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_precision_of_the_network_of_its_weights_and_of_the_loss(precision):
    kinds = []

    class Spy(nn.Module):
        def forward(self, value):
            kinds.append(value.dtype)
            return value

    net = nn.Sequential(*network(), Spy())
    steps = train(work_on(net, precision=precision), clock_of())
    assert set(kinds) == {torch.bfloat16 if precision == "bf16" else torch.float32}
    assert {parameter.dtype for parameter in net.parameters()} == {torch.float32}
    assert {step.loss.dtype for step in steps} == {torch.float32}
    exact = [float(step.loss) for step in train(work_on(network()), clock_of())]
    assert [float(step.loss) for step in steps] == pytest.approx(exact, rel=0.05)


def test_streamed_and_resident_images_train_the_same():
    streamed, resident = network(), network()
    train(work_on(streamed), clock_of(), budget_bytes=0)
    train(work_on(resident), clock_of())
    assert torch.equal(weights_of(streamed), weights_of(resident))


def test_a_phase_that_is_over_has_no_steps():
    clock, net = clock_of(), network()
    before = weights_of(net)
    assert train(work_on(net), clock, start=clock.total_steps) == []
    assert torch.equal(weights_of(net), before)


def averaged(weight: float, mean: float, batches: int) -> nn.Module:
    net = nn.Sequential(nn.Linear(1, 1, bias=False), nn.BatchNorm1d(1, affine=False))
    net[0].weight.data.fill_(weight)
    net[1].running_mean.fill_(mean)
    net[1].num_batches_tracked.fill_(batches)
    return net


@pytest.mark.parametrize("decay", [0.75, 0.25])  # lerp has a form for each half
def test_two_steps_by_hand(decay):
    net = averaged(weight=8.0, mean=0.0, batches=0)
    ema = start_ema(net)
    expected, mean = 8.0, 0.0
    for weight, seen, batches in [(4.0, 1.0, 1), (0.0, 5.0, 2)]:
        net.load_state_dict(averaged(weight, seen, batches).state_dict())
        update_ema(ema, net, decay)
        expected, mean = decay * expected + (1 - decay) * weight, decay * mean + (1 - decay) * seen
        assert float(ema[0].weight) == pytest.approx(expected)
        assert float(ema[1].running_mean) == pytest.approx(mean)
        assert int(ema[1].num_batches_tracked) == batches  # counted, not averaged
        assert net[0].weight.item() == weight
    if decay == 0.75:
        assert (expected, mean) == (5.25, 1.4375)  # 0.75 * 7 + 0; 0.75 * 0.25 + 0.25 * 5


def test_it_starts_as_a_copy_that_nothing_trains():
    net = averaged(2.0, 0.0, 0)
    ema = start_ema(net)
    assert not any(parameter.requires_grad for parameter in ema.parameters())
    assert all(parameter.requires_grad for parameter in net.parameters())
    net[0].weight.data.fill_(9.0)
    assert float(ema[0].weight) == 2.0
    update_ema(ema, net, 1.0)
    assert float(ema[0].weight) == 2.0
    update_ema(ema, net, 0.0)
    assert float(ema[0].weight) == 9.0


def test_no_graph_is_built():
    net = averaged(2.0, 0.0, 0)
    ema = start_ema(net)
    net(torch.ones(4, 1)).sum().backward()
    update_ema(ema, net, 0.5)
    assert ema[0].weight.grad_fn is None
    assert ema[0].weight.grad is None
