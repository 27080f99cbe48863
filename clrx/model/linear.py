"""One linear layer on the pooled features."""

from torch import Tensor, nn

from clrx.core.errors import require_number
from clrx.network.body import pool


class Linear(nn.Module):
    """Features, maps (N, F, h, w) or vectors (N, F) -> average pooling, dropout, logits (N, outputs)."""

    penalty: Tensor | None = None  # nothing is added to the loss

    def __init__(self, features: int, outputs: int, dropout: float = 0.0) -> None:
        super().__init__()
        require_number(dropout, "head.dropout", least=0, most=1)
        self.dropout, self.fc = nn.Dropout(dropout), nn.Linear(features, outputs)

    def forward(self, features: Tensor) -> Tensor:
        return self.fc(self.dropout(pool(features)))
