"""One model on one setting of PyTorch: says `ready`, then runs as many steps as each line asks for and prints seconds a step."""
import json
import resource
import sys
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

WHAT, THREADS, COMPILE = sys.argv[1], int(sys.argv[2]), sys.argv[3] == "compile"
torch.set_num_threads(THREADS)
torch.set_num_interop_threads(1)
torch.manual_seed(0)


class Block(nn.Module):
    def __init__(self, d, h, causal):
        super().__init__()
        self.h, self.causal = h, causal
        self.n1, self.qkv, self.o = nn.LayerNorm(d), nn.Linear(d, 3 * d), nn.Linear(d, d)
        self.n2, self.up, self.down = nn.LayerNorm(d), nn.Linear(d, 4 * d), nn.Linear(4 * d, d)

    def forward(self, x):
        b, t, d = x.shape
        q, k, v = (y.view(b, t, self.h, d // self.h).transpose(1, 2) for y in self.qkv(self.n1(x)).split(d, 2))
        a = F.scaled_dot_product_attention(q, k, v, is_causal=self.causal)
        x = x + self.o(a.transpose(1, 2).reshape(b, t, d))
        return x + self.down(F.gelu(self.up(self.n2(x)), approximate="tanh"))


class Transformer(nn.Module):
    def __init__(self, causal, v=8192, d=256, h=4, layers=4, t=128):
        super().__init__()
        self.token, self.place = nn.Embedding(v, d), nn.Embedding(t, d)
        self.blocks = nn.ModuleList(Block(d, h, causal) for _ in range(layers))
        self.norm, self.head = nn.LayerNorm(d), nn.Linear(d, v, bias=False)

    def forward(self, ids, positions=None):
        x = self.token(ids) + self.place.weight
        for block in self.blocks:
            x = block(x)
        x = self.norm(x)
        if positions is not None:
            x = x.view(-1, x.shape[-1])[positions]
        return self.head(x)


class Dlrm(nn.Module):
    def __init__(self, tables=26, rows=100_000, d=16):
        super().__init__()
        self.tables = nn.ModuleList(nn.EmbeddingBag(rows, d, mode="sum", sparse=True) for _ in range(tables))
        stack = lambda sizes: [m for i, o in zip(sizes, sizes[1:]) for m in (nn.Linear(i, o), nn.ReLU())]
        self.bottom = nn.Sequential(*stack([13, 512, 256, 64, d]))
        self.top = nn.Sequential(*stack([d + tables * (tables + 1) // 2, 512, 256, 1])[:-1])
        self.i, self.j = torch.tril_indices(tables + 1, tables + 1, -1)

    def forward(self, x, ids):
        b = self.bottom(x)
        t = torch.stack([b] + [table(ids[:, k : k + 1]) for k, table in enumerate(self.tables)], 1)
        z = torch.bmm(t, t.transpose(1, 2))[:, self.i, self.j]
        return self.top(torch.cat([b, z], 1)).squeeze(1)


def conv_net():
    c = lambda i, o: [nn.Conv2d(i, o, 3, padding=1), nn.ReLU()]
    return nn.Sequential(
        *c(3, 32), *c(32, 32), nn.MaxPool2d(2), *c(32, 64), *c(64, 64), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(64 * 64, 128), nn.ReLU(), nn.Linear(128, 10),
    )


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def now():
    with open("/proc/self/statm") as f:
        return int(f.read().split()[1]) * resource.getpagesize()


before = now()
if WHAT in ("gpt", "bert"):
    model = Transformer(WHAT == "gpt")
    ids = torch.randint(0, 8192, (8, 128))
    optimiser = torch.optim.AdamW(model.parameters(), 3e-4, fused=True)
    if WHAT == "gpt":
        targets = torch.randint(0, 8192, (1024,))
        loss = lambda: F.cross_entropy(model(ids).view(-1, 8192), targets)
    else:
        positions, targets = torch.randperm(1024)[:152], torch.randint(0, 8192, (152,))
        loss = lambda: F.cross_entropy(model(ids, positions), targets)
elif WHAT == "mlp":
    model = nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10))
    x, targets = torch.randn(256, 784), torch.randint(0, 10, (256,))
    optimiser = torch.optim.AdamW(model.parameters(), 1e-3, fused=True)
    loss = lambda: F.cross_entropy(model(x), targets)
elif WHAT == "dlrm":
    model = Dlrm()
    x, ids, targets = torch.randn(2048, 13), torch.randint(0, 100_000, (2048, 26)), torch.rand(2048).round()
    optimiser = torch.optim.SGD(model.parameters(), 0.1)
    loss = lambda: F.binary_cross_entropy_with_logits(model(x, ids), targets)
else:
    model = conv_net().to(memory_format=torch.channels_last)
    x, targets = torch.randn(64, 3, 32, 32).to(memory_format=torch.channels_last), torch.randint(0, 10, (64,))
    optimiser = torch.optim.SGD(model.parameters(), 0.01, momentum=0.9)
    loss = lambda: F.cross_entropy(model(x), targets)
forward = torch.compile(loss) if COMPILE else loss


def step():
    optimiser.zero_grad(set_to_none=True)
    value = forward()
    value.backward()
    optimiser.step()
    return value


for _ in range(3):
    step()
print(json.dumps({"ready": torch.__version__}), flush=True)
for line in sys.stdin:
    count = int(line)
    since = time.perf_counter()
    for _ in range(count):
        value = step()
    seconds = (time.perf_counter() - since) / count
    print(json.dumps({"seconds": seconds, "bytes": peak() - before, "loss": value.item()}), flush=True)
