"""What of the machine each of several runs at a time gets: one GPU, a share of the cores."""

import os
import subprocess


def environment(slot: int, workers: int) -> dict[str, str]:
    """Environment variables of the run in `slot` (0..workers-1); none where it has the machine to itself."""
    if workers == 1:
        return {}
    found = {}
    if "OMP_NUM_THREADS" not in os.environ:
        found["OMP_NUM_THREADS"] = str(max(1, len(os.sched_getaffinity(0)) // workers))
    if gpus := visible_gpus():
        found["CUDA_VISIBLE_DEVICES"] = gpus[slot % len(gpus)]
    return found


def visible_gpus() -> list[str]:
    """Names of the GPUs that this process may use, as CUDA_VISIBLE_DEVICES takes them; torch stays unloaded."""
    allowed = os.environ.get("CUDA_VISIBLE_DEVICES")
    if allowed is not None:
        return [name for name in allowed.split(",") if name]
    try:
        listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return []
    lines = [line for line in listed.stdout.splitlines() if line.startswith("GPU ")]
    return [str(index) for index in range(len(lines))]
