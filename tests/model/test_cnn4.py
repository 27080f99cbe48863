import torch
from networks import model_section, network_of


def test_it_is_the_network_of_figure_5():
    assert model_section("cnn4").binary_outputs == 2
    network = network_of("cnn4", channels=1, size=16)
    counts = [parameter.numel() for parameter in network.parameters()]
    layers = [weight + bias for weight, bias in zip(counts[::2], counts[1::2], strict=True)]
    assert layers == [320, 9248, 9248, 9248, 131328, 65792, 514]  # Alyafi, figure 5
    assert sum(counts) == 225_698


def test_it_starts_as_keras_starts():
    network = network_of("cnn4", channels=1, size=16)
    fc1 = network.body.fc1
    limit = (6 / (512 + 256)) ** 0.5  # Glorot uniform
    assert 0.98 * limit < float(fc1.weight.detach().abs().max()) <= limit
    assert torch.equal(fc1.bias, torch.zeros(256))
