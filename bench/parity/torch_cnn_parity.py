#!/usr/bin/python3
"""Whole convolutional networks in PyTorch: scores, loss and the gradient of every parameter, for Comity's own network to compare with.

  /usr/bin/python3 bench/parity/torch_cnn_parity.py > tests/Comity.Learning.Tests/Models/Vectors/torch-cnn.json

Parameters stand as Comity's layout has them: convolutions [outputs, inputs, height, width], dense weights [inputs, outputs], each followed by its
bias; a normalisation's scale, shift, running mean and running variance. Batch normalisation is in training. Single precision.
"""
import json

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(5)
torch.set_num_threads(1)


def numbers(x):
    return [float(f"{v:.8g}") for v in x.detach().reshape(-1).tolist()]


class Normed(nn.Module):
    """Convolution without a bias, then batch normalisation."""

    def __init__(self, inputs, outputs, kernel, stride=1):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, (kernel - 1) // 2, bias=False)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x):
        return self.norm(self.conv(x))


class Grouped(nn.Module):
    """Convolution without a bias, then normalisation of groups of channels of each image."""

    def __init__(self, inputs, outputs, kernel, stride=1, groups=2):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, (kernel - 1) // 2, bias=False)
        self.norm = nn.GroupNorm(groups, outputs)

    def forward(self, x):
        return self.norm(self.conv(x))


class Residual(nn.Module):
    def __init__(self, inputs, outputs, stride, normed=Normed):
        super().__init__()
        self.first, self.second = normed(inputs, outputs, 3, stride), normed(outputs, outputs, 3)
        self.shortcut = None if stride == 1 and inputs == outputs else normed(inputs, outputs, 1, stride)

    def forward(self, x):
        return F.relu(self.second(F.relu(self.first(x))) + (x if self.shortcut is None else self.shortcut(x)))


def tensors(net):
    """(value, gradient) in the order of Comity's layout."""
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            yield module.weight, module.weight.grad
            if module.bias is not None:
                yield module.bias, module.bias.grad
        elif isinstance(module, nn.Linear):
            yield module.weight.t(), module.weight.grad.t()
            yield module.bias, module.bias.grad
        elif isinstance(module, nn.GroupNorm):
            yield module.weight, module.weight.grad
            yield module.bias, module.bias.grad
        elif isinstance(module, nn.BatchNorm2d):
            yield module.weight, module.weight.grad
            yield module.bias, module.bias.grad
            for running in (module.running_mean, module.running_var):
                yield running, torch.zeros_like(running)


NETS = {
    "layers: [{ kind: conv, channels: 4, kernel: 5 }, max-pool, { kind: conv, channels: 6 }, average-pool, { kind: dense, units: 7 }]": nn.Sequential(
        nn.Conv2d(2, 4, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 6, 3, padding=1), nn.ReLU(), nn.AvgPool2d(2),
        nn.Flatten(), nn.Linear(24, 7), nn.ReLU(), nn.Linear(7, 3)),
    "layers: [{ kind: conv, channels: 4, norm: batch }, { kind: residual, channels: 4 }, { kind: residual, channels: 6, stride: 2 }, global-average]": nn.Sequential(
        Normed(2, 4, 3), nn.ReLU(), Residual(4, 4, 1), Residual(4, 6, 2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 3)),
    "layers: [{ kind: conv, channels: 4, norm: layer }, max-pool, { kind: residual, channels: 6, stride: 2, norm: group, normGroups: 2 }, { kind: dense, units: 5 }]": nn.Sequential(
        Grouped(2, 4, 3, groups=1), nn.ReLU(), nn.MaxPool2d(2), Residual(4, 6, 2, Grouped), nn.Flatten(), nn.Linear(24, 5), nn.ReLU(), nn.Linear(5, 3)),
}

cases = []
for declared, net in NETS.items():
    x, labels = torch.randn(5, 2, 8, 8), torch.tensor([0, 2, 1, 1, 0])
    for module in net.modules():
        if isinstance(module, (nn.BatchNorm2d, nn.GroupNorm)):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.5, 0.5)
    running = [(m, m.running_mean.clone(), m.running_var.clone()) for m in net.modules() if isinstance(m, nn.BatchNorm2d)]
    scores = net(x)
    loss = F.cross_entropy(scores, labels)
    loss.backward()
    for module, mean, variance in running:  # as they were before this pass
        module.running_mean.copy_(mean)
        module.running_var.copy_(variance)
    pairs = list(tensors(net))
    cases.append({
        "network": declared, "rows": numbers(x), "labels": labels.tolist(), "scores": numbers(scores), "loss": float(loss),
        "parameters": sum((numbers(value) for value, _ in pairs), []), "gradient": sum((numbers(gradient) for _, gradient in pairs), []),
    })
print(json.dumps({"made by": f"bench/parity/torch_cnn_parity.py with PyTorch {torch.__version__}", "cases": cases}))
