"""From the host to the device without waiting for the device."""

import numpy as np
import torch


def send(values: np.ndarray, device: torch.device) -> torch.Tensor:
    """A small host array as a tensor on the device; on CPU it shares the array's memory."""
    tensor = torch.from_numpy(values)
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor.to(device)
