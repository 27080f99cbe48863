"""Mixup and cutmix from their papers' definitions, and averaging over flips."""

import numpy as np
import pytest
import torch
from scipy import stats

from clrx.core.errors import UserError
from clrx.data.mix import Mix

B, SIDE = 64, 16
LABELS = torch.arange(B)  # a class an image, so the targets tell who was mixed with whom


def images(channels=2):
    """Image i is filled with i."""
    return LABELS.float()[:, None, None, None].expand(B, channels, SIDE, SIDE).contiguous()


def mixed(mix, seed=0, step=0):
    return mix(images(), LABELS, B, seed, step)


@pytest.mark.parametrize("mix", [Mix(mixup=0.4), Mix(cutmix=1.0), Mix(mixup=0.4, cutmix=1.0)], ids=str)
def test_targets_say_what_is_in_the_images(mix):
    """The mean pixel of an image is the mean of the classes under its target; targets are distributions."""
    pixels, targets = mixed(mix)
    assert targets.dtype == torch.float32
    assert pixels.shape == (B, 2, SIDE, SIDE)
    torch.testing.assert_close(targets.sum(dim=1), torch.ones(B))
    torch.testing.assert_close(pixels.mean(dim=(1, 2, 3)), targets @ LABELS.float(), atol=1e-4, rtol=1e-5)
    assert ((targets > 0).sum(dim=1) <= 2).all()


def test_mixup_is_the_same_blend_everywhere():
    """Zhang et al. 2018: x = lambda x_i + (1 - lambda) x_j, y likewise."""
    pixels, targets = mixed(Mix(mixup=1.0))
    assert (pixels.amax(dim=(1, 2, 3)) - pixels.amin(dim=(1, 2, 3))).max() == 0
    assert len(set(np.round(targets.diagonal().tolist(), 4))) > B / 2  # each image has its own lambda


def test_cutmix_is_a_box_of_the_partner():
    """Yun et al. 2019: every pixel is one image's or the other's, the other's fill a box, and its share of
    the area is its share of the target."""
    pixels, targets = mixed(Mix(cutmix=1.0))
    boxes = 0
    for i in range(B):
        foreign = pixels[i, 0] != i
        assert set(pixels[i, 0][foreign].tolist()) <= {float(targets[i].index_fill(0, LABELS[i], 0).argmax())}
        assert float(targets[i, i]) == pytest.approx(1 - foreign.float().mean().item())
        if foreign.any():
            rows, columns = foreign.any(dim=1).nonzero(), foreign.any(dim=0).nonzero()
            assert foreign.sum() == (rows.max() - rows.min() + 1) * (columns.max() - columns.min() + 1)
            boxes += 1
    assert boxes > B / 2


def shares(mix):
    """The share that images keep, over 60 batches, of those whose partner is another image."""
    kept = torch.cat([mixed(mix, step=step)[1].diagonal() for step in range(60)])
    return kept[kept < 1].numpy()


@pytest.mark.parametrize("alpha", [0.2, 1.0])
def test_lambda_is_beta(alpha):
    assert stats.kstest(shares(Mix(mixup=alpha)), stats.beta(alpha, alpha).cdf).pvalue > 1e-3


def test_cutmix_boxes_are_as_large_as_the_paper_says():
    """Without the edge the mean share is 1/2; by eq. 2 with uniform centres the edge takes off part of a box.

    A side of length s = sqrt(1 - lambda) with a uniform centre keeps s - s^2 / 4 of the image on average, so
    with lambda uniform the mean lost area is the integral of (s - s^2 / 4)^2 * 2 s ds = 1/2 - 1/5 + 1/48.
    """
    kept = torch.cat([mixed(Mix(cutmix=1.0), step=step)[1].diagonal() for step in range(60)])
    own = 1 / B  # an image that is its own partner keeps all of itself
    assert kept.mean().item() == pytest.approx(1 - (1 / 2 - 1 / 5 + 1 / 48) * (1 - own), abs=0.02)


def test_both_have_even_odds():
    pixels = torch.cat([mixed(Mix(mixup=1.0, cutmix=1.0), step=step)[0] for step in range(20)])
    boxed = (pixels.amax(dim=(1, 2, 3)) != pixels.amin(dim=(1, 2, 3))).float().mean().item()
    only = torch.cat([mixed(Mix(cutmix=1.0), step=step)[0] for step in range(20)])
    every = (only.amax(dim=(1, 2, 3)) != only.amin(dim=(1, 2, 3))).float().mean().item()
    assert boxed == pytest.approx(every / 2, abs=0.06)


def test_draws_depend_on_seed_and_step_alone():
    mix = Mix(mixup=0.4, cutmix=1.0)
    first = mixed(mix, 3, 4)
    assert all(torch.equal(a, b) for a, b in zip(first, mixed(mix, 3, 4), strict=True))
    assert not torch.equal(first[0], mixed(mix, 3, 5)[0])
    assert not torch.equal(first[0], mixed(mix, 4, 4)[0])


def test_off_gives_the_images_and_hard_targets():
    pixels, targets = mixed(Mix())
    assert torch.equal(pixels, images())
    assert torch.equal(targets, torch.eye(B))


def test_memory_format_is_kept():
    last = images(3).contiguous(memory_format=torch.channels_last)
    assert Mix(cutmix=1.0)(last, LABELS, B, 0, 0)[0].is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("bad", [{"mixup": -1}, {"cutmix": float("nan")}, {"cutmix": float("inf")}])
def test_bad_alphas_are_refused(bad):
    with pytest.raises(UserError, match=f"mix.{next(iter(bad))}="):
        Mix(**bad)
