"""The head of Chopade et al. 2021, section A4.1: pooling, dropout, four penalised dense layers, output."""

from collections.abc import Sequence

from torch import Tensor, nn

from clrx.core.errors import UserError, require_number
from clrx.network.body import pool, start_as_keras


def check_widths(widths: Sequence[int]) -> None:
    """UserError unless `head.widths` is a list of numbers of outputs."""
    if not isinstance(widths, Sequence) or isinstance(widths, str) or not widths:
        raise UserError(f"head.widths={widths} is no list", where="head.widths", allowed="[250,50,10,2]")
    for width in widths:
        require_number(width, "head.widths", least=1, most=1_000_000, whole=True)


class Chopade2021(nn.Module):
    """Features, maps (N, F, h, w) or vectors (N, F) -> logits (N, outputs); `penalty` in training mode.

    Each dense layer of `widths` is linear, penalised, and followed by batch normalisation; the output layer
    is neither (the paper names the penalties for the four layers; its sigmoid is the loss's here). The
    penalties are Keras's: L1 sums |w|, L2 sums w^2 without a half, and that of the activity is divided by the
    batch size. Keras keeps `norm_momentum` of a running statistic, torch calls the rest momentum; torch's
    running variance is unbiased (n / (n - 1)), Keras's is not.
    """

    def __init__(
        self,
        features: int,
        outputs: int,
        widths: Sequence[int] = (250, 50, 10, 2),
        dropout: float = 0.5,
        kernel_l1: float = 0.001,
        kernel_l2: float = 0.01,
        bias_l2: float = 0.01,
        activity_l2: float = 0.001,
        norm_momentum: float = 0.99,
        norm_eps: float = 1e-3,
    ) -> None:
        super().__init__()
        require_number(dropout, "head.dropout", least=0, most=1)
        require_number(norm_momentum, "head.norm_momentum", least=0, most=1)
        for name, value in {"kernel_l1": kernel_l1, "kernel_l2": kernel_l2, "bias_l2": bias_l2}.items():
            require_number(value, f"head.{name}", least=0)
        require_number(activity_l2, "head.activity_l2", least=0)
        require_number(norm_eps, "head.norm_eps", above=0)
        check_widths(widths)
        self.kernel_l1, self.kernel_l2, self.bias_l2, self.activity_l2 = (
            kernel_l1,
            kernel_l2,
            bias_l2,
            activity_l2,
        )
        self.dropout = nn.Dropout(dropout)
        inputs = (features, *widths[:-1])
        self.dense = nn.ModuleList(nn.Linear(i, o) for i, o in zip(inputs, widths, strict=True))
        self.norm = nn.ModuleList(nn.BatchNorm1d(o, eps=norm_eps, momentum=1 - norm_momentum) for o in widths)
        self.output = nn.Linear(widths[-1], outputs)
        self.penalty: Tensor | None = None
        start_as_keras(self)

    def forward(self, features: Tensor) -> Tensor:
        x = self.dropout(pool(features))
        penalties = []
        for dense, norm in zip(self.dense, self.norm, strict=True):
            activity = dense(x)
            penalties.append(self._penalty(dense, activity))  # type: ignore[arg-type]
            x = norm(activity)
        self.penalty = sum(penalties[1:], penalties[0]) if self.training else None
        return self.output(x)

    def __getstate__(self) -> dict:
        """A copy has no penalty until its own forward pass: a tensor of a graph cannot be copied."""
        return {**self.__dict__, "penalty": None}

    def _penalty(self, dense: nn.Linear, activity: Tensor) -> Tensor:
        kernel, bias = dense.weight, dense.bias
        weights = self.kernel_l1 * kernel.abs().sum() + self.kernel_l2 * kernel.square().sum()
        weights = weights + self.bias_l2 * bias.square().sum()
        return weights + self.activity_l2 * activity.float().square().sum() / len(activity)
