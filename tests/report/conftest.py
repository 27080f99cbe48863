"""Simulated runs and sweeps for the tests of the report."""

import pytest
from simulated import simulate_run, simulate_sweep


@pytest.fixture
def run():
    return simulate_run


@pytest.fixture
def sweep():
    return simulate_sweep
