#!/usr/bin/python3
"""PyTorch beside Comity's benchmarks: one command a line on stdin, one number a line on stdout.

  make NAME KIND ARGS…     prepares a workload
  cpu NAME SECONDS         runs it for about so long; prints seconds of this thread's CPU time for one step
KIND: mlp INPUTS HIDDEN OUTPUTS BATCH OPTIMIZER (OUTPUTS 1: binary cross-entropy), gemm M N K TRANSPOSE_A TRANSPOSE_B,
cnn BATCH LAYOUT (default or channels-last), infer MODEL ROWS (mlp or cnn, frozen TorchScript optimised for inference), onnx MODEL ROWS FILE (writes it
for ONNX Runtime, which onnx_rival.cjs runs), clients N BATCH (one
client's epoch of a FedAvg loop over N of them), function NAME LENGTH, conv BATCH LAYOUT (3 × 3, 32→64 channels, 28 × 28, both ways),
lstm CHANNELS HIDDEN STEPS BATCH,
private WAY BATCH (a step of MLP 784-128-10 with differential privacy; ghost: norms from |a|²|d|², then one weighted product a layer; functorch: vmap of grad;
einsum: single gradients made as Opacus makes them),
encoder and decoder LAYERS WIDTH HEADS STEPS VOCABULARY BATCH WAY (modules: nn.TransformerEncoderLayer; products: the fewest eager operations)
Eager mode, one thread, no data loading: the fixed batch that favours the rival.
"""
import sys
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)
torch.manual_seed(0)
work = {}


def mlp(inputs, hidden, outputs, batch, optimizer):
    inputs, hidden, outputs, batch = int(inputs), int(hidden), int(outputs), int(batch)
    net = nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, outputs))
    make = {"sgd": lambda p: torch.optim.SGD(p, lr=0.01), "adam": torch.optim.Adam, "adamforeach": lambda p: torch.optim.Adam(p, foreach=True)}
    opt = make[optimizer](net.parameters())
    x = torch.randn(batch, inputs)
    if outputs == 1:
        y, loss = torch.randint(0, 2, (batch, 1)).float(), F.binary_cross_entropy_with_logits
    else:
        y, loss = torch.randint(0, outputs, (batch,)), F.cross_entropy

    def step():
        opt.zero_grad(set_to_none=True)
        loss(net(x), y).backward()
        opt.step()

    return step


def lenet():
    return nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(64 * 49, 128), nn.ReLU(), nn.Linear(128, 10))


def cnn(batch, layout):
    net, x, y = lenet(), torch.randn(int(batch), 1, 28, 28), torch.randint(0, 10, (int(batch),))
    if layout == "channels-last":
        net, x = net.to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last)
    opt = torch.optim.Adam(net.parameters())

    def step():
        opt.zero_grad(set_to_none=True)
        F.cross_entropy(net(x), y).backward()
        opt.step()

    return step


def predictor(model, rows):
    net = lenet() if model == "cnn" else nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))
    return nn.Sequential(net, nn.Softmax(1)).eval(), torch.randn(int(rows), *((1, 28, 28) if model == "cnn" else (784,)))


def onnx(model, rows, path):
    net, x = predictor(model, rows)
    torch.onnx.export(net, x, path)
    return lambda: None


def infer(model, rows):
    net, x = predictor(model, rows)
    frozen = torch.jit.optimize_for_inference(torch.jit.trace(net, x))

    def run():
        with torch.inference_mode():
            frozen(x)

    return run


def clients(n, batch):
    n, batch, per = int(n), int(batch), 60000 // int(n)
    data, labels = torch.randn(60000, 784), torch.randint(0, 10, (60000,))
    params = list((net := nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))).parameters())
    state = {"global": [p.detach().clone() for p in params], "sum": None, "next": 0}

    def one():
        i = state["next"]
        state["next"] = (i + 1) % n
        with torch.no_grad():
            for p, g in zip(params, state["global"]):
                p.copy_(g)
        opt = torch.optim.SGD(params, lr=0.05)
        x, y, order = data[i * per:(i + 1) * per], labels[i * per:(i + 1) * per], torch.randperm(per)
        for s in range(0, per, batch):
            j = order[s:s + batch]
            opt.zero_grad(set_to_none=True)
            F.cross_entropy(net(x[j]), y[j]).backward()
            opt.step()
        with torch.no_grad():
            if state["sum"] is None:
                state["sum"] = [p.detach() / n for p in params]
            else:
                for a, p in zip(state["sum"], params):
                    a.add_(p, alpha=1 / n)
            if state["next"] == 0:
                state["global"], state["sum"] = state["sum"], None

    return one


def function(name, length):
    x = torch.rand(int(length)) * 10 - 5
    out, f = torch.empty_like(x), {"exp": torch.exp, "sigmoid": torch.sigmoid, "tanh": torch.tanh}[name]
    return lambda: f(x, out=out)


def conv(batch, layout):
    net, x = nn.Conv2d(32, 64, 3, padding=1), torch.randn(int(batch), 32, 28, 28)
    if layout == "channels-last":
        net, x = net.to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last)
    x.requires_grad_()
    g = torch.randn_like(net(x))

    def both():
        net.zero_grad(set_to_none=True)
        x.grad = None
        net(x).backward(g)

    return both


def gemm(m, n, k, ta, tb):
    m, n, k = int(m), int(n), int(k)
    a = torch.randn(k, m).t() if ta == "1" else torch.randn(m, k)
    b = torch.randn(n, k).t() if tb == "1" else torch.randn(k, n)
    c = torch.empty(m, n)
    return lambda: torch.mm(a, b, out=c)


def trained(net, loss):
    opt = torch.optim.Adam(net.parameters(), foreach=True)

    def step():
        opt.zero_grad(set_to_none=True)
        loss().backward()
        opt.step()

    return step


def lstm(channels, hidden, steps, batch):
    channels, hidden, steps, batch = int(channels), int(hidden), int(steps), int(batch)
    net = nn.ModuleList([nn.LSTM(channels, hidden), nn.Linear(hidden, 1)])
    x, y = torch.randn(steps, batch, channels), torch.randn(batch, 1)
    return trained(net, lambda: F.mse_loss(net[1](net[0](x)[0][-1]), y))


class Block(nn.Module):
    """A transformer's layer in as few eager operations as give it."""

    def __init__(self, width, heads, steps, causal):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        mask = torch.zeros(1, steps, steps)
        if causal:
            mask += torch.full((steps, steps), float("-inf")).triu(1)
        self.register_buffer("mask", mask)
        self.causal = causal

    def forward(self, x):
        b, t, w = x.shape
        d = w // self.heads
        q, k, v = self.qkv(self.norm1(x)).view(b, t, 3, self.heads, d).permute(2, 0, 3, 1, 4).reshape(3, b * self.heads, t, d).unbind(0)
        if self.causal:
            s = torch.baddbmm(self.mask, q, k.transpose(1, 2), alpha=d ** -0.5)
        else:
            s = torch.bmm(q * d ** -0.5, k.transpose(1, 2))
        o = torch.bmm(s.softmax(-1), v).view(b, self.heads, t, d).transpose(1, 2).reshape(b, t, w)
        x = x + self.out(o)
        return x + self.down(F.gelu(self.up(self.norm2(x))))


def transformer(causal):
    def make(layers, width, heads, steps, vocabulary, batch, way):
        layers, width, heads, steps, vocabulary, batch = (int(v) for v in (layers, width, heads, steps, vocabulary, batch))
        if way == "modules":
            blocks = [nn.TransformerEncoderLayer(width, heads, 4 * width, 0.0, "gelu", batch_first=True, norm_first=True) for _ in range(layers)]
        else:
            blocks = [Block(width, heads, steps, causal) for _ in range(layers)]
        mask = torch.full((steps, steps), float("-inf")).triu(1) if causal else None
        net = nn.ModuleDict({"tokens": nn.Embedding(vocabulary, width), "positions": nn.Embedding(steps, width), "blocks": nn.ModuleList(blocks), "norm": nn.LayerNorm(width)})
        if not causal:
            net["head"] = nn.Linear(width, 2)
        x = torch.randint(4, vocabulary, (batch, steps + 1))
        y = torch.randint(0, 2, (batch,))

        def loss():
            h = net["tokens"](x[:, :-1]) + net["positions"].weight
            for block in net["blocks"]:
                h = block(h) if way != "modules" else block(h, mask)
            h = net["norm"](h)
            if causal:
                return F.cross_entropy((h.view(-1, width) @ net["tokens"].weight.t()), x[:, 1:].reshape(-1))
            return F.cross_entropy(net["head"](h.mean(1)), y)

        return trained(net, loss)

    return make


def private(way, batch):
    batch, clip, noise, rate = int(batch), 1.0, 1.1, 0.01
    net = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))
    params, first, last = list(net.parameters()), net[0], net[2]
    x, y = torch.randn(batch, 784), torch.randint(0, 10, (batch,))

    def move(gradients):
        with torch.no_grad():
            for p, g in zip(params, gradients):
                p.sub_((g + torch.randn_like(g) * (noise * clip)) / batch, alpha=rate)

    def values():
        z1 = first(x)
        a1 = torch.relu(z1)
        z2 = last(a1)
        d1, d2 = torch.autograd.grad(F.cross_entropy(z2, y, reduction="sum"), (z1, z2))
        return a1.detach(), d1, d2

    def clipped(singles):
        norms = torch.sqrt(sum(g.flatten(1).square().sum(1) for g in singles))
        factors = (clip / (norms + 1e-6)).clamp(max=1.0)
        move([torch.einsum("n,n...->...", factors, g) for g in singles])

    def ghost():
        a1, d1, d2 = values()
        norms = (d1.square().sum(1) * (x.square().sum(1) + 1) + d2.square().sum(1) * (a1.square().sum(1) + 1)).sqrt()
        factors = (clip / (norms + 1e-6)).clamp(max=1.0)[:, None]
        e1, e2 = d1 * factors, d2 * factors
        move([e1.t() @ x, e1.sum(0), e2.t() @ a1, e2.sum(0)])

    def einsum():
        a1, d1, d2 = values()
        clipped([torch.einsum("ni,nj->nij", d1, x), d1, torch.einsum("ni,nj->nij", d2, a1), d2])

    def functorch():
        clipped(singles([p.detach() for p in params], x, y))

    if way == "functorch":
        from functorch import grad, make_functional, vmap
        f, _ = make_functional(net)
        singles = vmap(grad(lambda p, a, b: F.cross_entropy(f(p, a[None]), b[None])), (None, 0, 0))
    return {"ghost": ghost, "einsum": einsum, "functorch": functorch}[way]


def cpu(step, seconds):
    end, steps, start = time.perf_counter() + seconds, 0, time.thread_time()
    while time.perf_counter() < end:
        for _ in range(5):
            step()
        steps += 5
    return (time.thread_time() - start) / steps


print(torch.__version__, flush=True)
for line in sys.stdin:
    words = line.split()
    if not words or words[0] == "quit":
        break
    if words[0] == "make":
        kinds = {"mlp": mlp, "gemm": gemm, "cnn": cnn, "infer": infer, "onnx": onnx, "clients": clients, "function": function, "conv": conv,
                 "lstm": lstm, "private": private, "encoder": transformer(False), "decoder": transformer(True)}
        work[words[1]] = kinds[words[2]](*words[3:])
        print(0, flush=True)
    else:
        print(repr(cpu(work[words[1]], float(words[2]))), flush=True)
