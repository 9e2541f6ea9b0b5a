#!/usr/bin/python3
"""Outputs and gradients of PyTorch's own layers on weights and inputs that are written down, for Comity's tests to compare with.

  /usr/bin/python3 bench/parity/torch_parity.py --small > tests/Comity.Tensors.Tests/Differentiation/Vectors/torch.json
  /usr/bin/python3 bench/parity/torch_parity.py > /tmp/torch.json && \
    COMITY_PARITY=/tmp/torch.json dotnet test tests/Comity.Tensors.Tests --filter TorchParityTests

--small: the committed vectors, which are checked everywhere; without it sizes of real models, which are checked where PyTorch is.
Each case: the inputs by name with their shapes in Comity's form (dense weights [inputs, outputs], images [n, height, width, channels]),
the output y, and the gradients of sum(y * w) by each input, where w[i] = 0.3 + (7 i mod 11) / 10. Single precision.
"""
import json
import math
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

SMALL = "--small" in sys.argv
torch.manual_seed(3)
torch.set_num_threads(1)
cases = []


def draw(*shape, scale=1.0):
    return (torch.randn(*shape) * scale).requires_grad_()


def size(small, real):
    return small if SMALL else real


def numbers(x):
    return [float(f"{v:.8g}") for v in x.detach().reshape(-1).tolist()]


def case(name, inputs, compute, gradients=None, **options):
    y = compute(**inputs)
    weight = torch.tensor([0.3 + (7 * i % 11) / 10 for i in range(y.numel())]).view_as(y)
    (y * weight).sum().backward()
    cases.append({
        "name": name,
        "options": options,
        "inputs": {k: {"shape": list(v.shape), "values": numbers(v)} for k, v in inputs.items()},
        "output": numbers(y),
        "gradients": {k: numbers(v if gradients else v.grad) for k, v in (gradients() if gradients else inputs).items()},
    })


# Tensors in PyTorch's form, made of those in Comity's.
def dense(x, w, b):
    return F.linear(x, w.t(), b)


rows, n, m = size((5, 6, 7), (64, 192, 256))
for name, f in {"identity": lambda v: v, "relu": F.relu, "leaky-relu": F.leaky_relu, "elu": F.elu, "gelu": F.gelu, "sigmoid": torch.sigmoid, "tanh": torch.tanh}.items():
    case("dense", {"x": draw(rows, n), "w": draw(n, m, scale=0.3), "b": draw(m)}, lambda x, w, b: f(dense(x, w, b)), activation=name)
case("layer-norm", {"x": draw(rows, n), "scale": draw(n), "shift": draw(n)}, lambda x, scale, shift: F.layer_norm(x, (n,), scale, shift))
case("rms-norm", {"x": draw(rows, n), "scale": draw(n)}, lambda x, scale: scale * x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-5))
case("batch-norm", {"x": draw(rows, n), "scale": draw(n), "shift": draw(n)}, lambda x, scale, shift: F.batch_norm(x, None, None, scale, shift, training=True))
case("softmax", {"x": draw(rows, n)}, lambda x: x.softmax(-1))
case("swiglu", {"x": draw(rows, 2 * n)}, lambda x: F.silu(x[:, :n]) * x[:, n:])
labels = torch.randint(0, n, (rows,))
case("cross-entropy", {"x": draw(rows, n)}, lambda x: F.cross_entropy(x, labels, label_smoothing=0.1).view(1), labels=labels.tolist(), smoothing=0.1)
targets = torch.rand(rows)
case("sigmoid-cross-entropy", {"x": draw(rows, 1)}, lambda x: F.binary_cross_entropy_with_logits(x[:, 0], targets).view(1), targets=numbers(targets))
case("mse", {"x": draw(rows, 1)}, lambda x: F.mse_loss(x[:, 0], targets).view(1), targets=numbers(targets))
case("mae", {"x": draw(rows, 1)}, lambda x: F.l1_loss(x[:, 0], targets).view(1), targets=numbers(targets))
case("huber", {"x": draw(rows, 1)}, lambda x: F.huber_loss(x[:, 0], targets, delta=0.4).view(1), targets=numbers(targets), delta=0.4)
tokens = torch.randint(0, m, (rows, 3))
case("embedding", {"table": draw(m, n)}, lambda table: F.embedding(tokens, table).reshape(-1, n), tokens=tokens.reshape(-1).tolist())

# Attention.
batch, steps, heads, width = size((2, 5, 2, 8), (4, 70, 4, 128))


def turned(x):
    d = x.shape[-1]
    angle = torch.arange(x.shape[-2]).view(-1, 1) * torch.pow(torch.tensor(10000.0), -torch.arange(0, d, 2).float() / d)
    a, b = x[..., :d // 2], x[..., d // 2:]
    return torch.cat([a * angle.cos() - b * angle.sin(), a * angle.sin() + b * angle.cos()], -1)


def attention(qkv, causal, lengths, rotary):
    b, t, w = qkv.shape[0], qkv.shape[1], qkv.shape[2] // 3
    q, k, v = (part.view(b, t, heads, w // heads).transpose(1, 2) for part in qkv.split(w, -1))
    if rotary:
        q, k = turned(q), turned(k)
    visible = torch.arange(t).view(1, 1, 1, t) < torch.tensor(lengths).view(b, 1, 1, 1)
    if causal:
        visible = visible & torch.ones(t, t).tril().bool()
    s = (q @ k.transpose(-1, -2) / math.sqrt(w // heads)).masked_fill(~visible, float("-inf"))
    y = (s.softmax(-1) @ v).transpose(1, 2).reshape(b, t, w)
    return y * (torch.arange(t).view(1, t, 1) < torch.tensor(lengths).view(b, 1, 1))


whole, packed = [steps] * batch, [steps - i for i in range(batch)]
for causal, lengths, rotary in ((False, whole, False), (True, whole, False), (True, packed, True), (False, packed, False)):
    case("attention", {"qkv": draw(batch, steps, 3 * width)}, lambda qkv: attention(qkv, causal, lengths, rotary), heads=heads, causal=causal, lengths=lengths, rotary=rotary)

# PyTorch's recurrent modules, in both directions and over packed sequences.
channels, hidden = size((3, 4), (32, 48))
for kind, module in (("rnn", nn.RNN), ("gru", nn.GRU), ("lstm", nn.LSTM)):
    gates = {"rnn": 1, "gru": 3, "lstm": 4}[kind]
    for lengths in (whole, packed):
        layer = module(channels, hidden, bidirectional=True)
        given = {"x": draw(steps, batch, channels)}
        for side, suffix in (("forward", ""), ("backward", "_reverse")):
            given[side + "Input"] = draw(channels, gates * hidden, scale=0.4)
            given[side + "InputBias"] = draw(gates * hidden, scale=0.4)
            # Larger weights would make a long run chaotic: then the last bits of any two sums grow until nothing can be compared.
            given[side + "State"] = draw(hidden, gates * hidden, scale=min(0.4, hidden ** -0.5))
            given[side + "StateBias"] = draw(gates * hidden, scale=0.4)

        # The module keeps its weights to itself, so that they are copied in and their gradients taken out.
        own = {side + name: getattr(layer, f"{form}_l0{suffix}") for side, suffix in (("forward", ""), ("backward", "_reverse"))
               for name, form in (("Input", "weight_ih"), ("InputBias", "bias_ih"), ("State", "weight_hh"), ("StateBias", "bias_hh"))}
        with torch.no_grad():
            for name, parameter in own.items():
                parameter.copy_(given[name].t())

        def run(**given):
            sequences = nn.utils.rnn.pack_padded_sequence(given["x"], torch.tensor(lengths)) if lengths is packed else given["x"]
            _, state = layer(sequences)
            state = state[0] if kind == "lstm" else state
            return torch.cat([state[0], state[1]], -1)  # the last state of each direction

        case("recurrent", given, run, lambda: {"x": given["x"].grad, **{name: parameter.grad.t() for name, parameter in own.items()}}, kind=kind, lengths=lengths)

# Convolutions and pooling; weights as in PyTorch, images with their channels last.
images, height, inputs, outputs = size((2, 6, 4, 6), (4, 18, 16, 32))
first, last = lambda x: x.permute(0, 3, 1, 2), lambda x: x.permute(0, 2, 3, 1)
for stride, padding, dilation, groups in ((1, 1, 1, 1), (2, 0, 1, 1), (1, 2, 2, 2)):
    case("convolution", {"x": draw(images, height, height, inputs), "w": draw(outputs, inputs // groups, 3, 3, scale=0.3), "b": draw(outputs)},
         lambda x, w, b: last(F.conv2d(first(x), w, b, stride, padding, dilation, groups)).contiguous(), stride=stride, padding=padding, dilation=dilation, groups=groups)
case("max-pool", {"x": draw(images, height, height, inputs)}, lambda x: last(F.max_pool2d(first(x), 2)).contiguous())
case("average-pool", {"x": draw(images, height, height, inputs)}, lambda x: last(F.avg_pool2d(first(x), 2)).contiguous())

json.dump({"source": f"PyTorch {torch.__version__}", "cases": cases}, sys.stdout, separators=(",", ":"))
print()
