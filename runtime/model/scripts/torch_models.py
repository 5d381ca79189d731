"""Losses and gradients of the models of `ketline_model::models` by PyTorch, for the test `torch`.

usage: torch_models.py [OUT]      needs torch; writes data/torch.json: for each model the loss, and for each parameter the
                                  norm of its gradient and its product with a wave
"""
import json
import math
import sys
from pathlib import Path

import torch
import torch.nn.functional as F


def wave(n, k, factor):
    return torch.sin(torch.arange(n, dtype=torch.float64) * factor + k)


def fill(shapes):
    """Parameters by name: waves, scaled to their fan-in, around one for gains."""
    parameters = {}
    for k, (name, shape) in enumerate(sorted(shapes.items())):
        n = math.prod(shape)
        fan = math.prod(shape[1:]) if len(shape) > 1 else 100
        values = wave(n, k, 1.7) / math.sqrt(fan)
        if "norm" in name and name.endswith("weight"):
            values = values + 1.0
        parameters[name] = values.float().reshape(shape).requires_grad_()
    return parameters


def ids(n, k, below):
    return torch.tensor([(i * i * 7 + 3 * i + k) % below for i in range(n)])


def heads(x, h):
    b, s, d = x.shape
    return x.view(b, s, h, d // h).transpose(1, 2)


def attend(q, k, v, h, causal, mask):
    bias = None
    if mask is not None:
        bias = mask[:, None, None, :].bool()
    a = F.scaled_dot_product_attention(heads(q, h), heads(k, h), heads(v, h), attn_mask=bias, is_causal=causal)
    return a.transpose(1, 2).reshape(q.shape)


def linear(p, name, x):
    return F.linear(x, p[f"{name}.weight"], p.get(f"{name}.bias"))


def norm(p, name, x):
    return F.layer_norm(x, x.shape[-1:], p[f"{name}.weight"], p[f"{name}.bias"])


def rms(p, name, x):
    return F.rms_norm(x, x.shape[-1:], p[f"{name}.weight"], 1e-6)


V, T, D, H, L, B = 37, 6, 8, 2, 2, 3
MASK = torch.tensor([[i < T - b for i in range(T)] for b in range(B)])


def transformer_shapes(extra):
    shapes = {"token.weight": (V, D), "place.weight": (T, D), "norm.weight": (D,), "norm.bias": (D,), "head.weight": (V, D)}
    for layer in range(L):
        b = f"block.{layer}"
        for n in ("norm1", "norm2"):
            shapes |= {f"{b}.{n}.weight": (D,), f"{b}.{n}.bias": (D,)}
        for n, o, i in (("attention.qkv", 3 * D, D), ("attention.out", D, D), ("up", 4 * D, D), ("down", D, 4 * D)):
            shapes |= {f"{b}.{n}.weight": (o, i), f"{b}.{n}.bias": (o,)}
    return shapes | extra


def blocks(p, x, causal, mask):
    for layer in range(L):
        b = f"block.{layer}"
        q, k, v = linear(p, f"{b}.attention.qkv", norm(p, f"{b}.norm1", x)).split(D, 2)
        x = x + linear(p, f"{b}.attention.out", attend(q, k, v, H, causal, mask))
        x = x + linear(p, f"{b}.down", F.gelu(linear(p, f"{b}.up", norm(p, f"{b}.norm2", x)), approximate="tanh"))
    return norm(p, "norm", x)


def embed(p, i):
    return F.embedding(i, p["token.weight"]) + p["place.weight"]


def gpt(p):
    x = blocks(p, embed(p, ids(B * T, 0, V).view(B, T)), True, None)
    return F.cross_entropy(F.linear(x, p["head.weight"]).view(-1, V), ids(B * T, 5, V))


def bert(p):
    x = blocks(p, embed(p, ids(B * T, 0, V).view(B, T)), False, MASK)
    return F.cross_entropy(F.linear(x.reshape(-1, D)[ids(5, 2, B * T)], p["head.weight"]), ids(5, 5, V))


def rotate(x, h):
    b, s, d = x.shape
    half = d // h // 2
    angle = torch.arange(s)[:, None] * 10000.0 ** (-torch.arange(half) / half)[None]
    cos, sin = angle.cos()[:, None], angle.sin()[:, None]
    first, second = x.view(b, s, h, 2, half).unbind(3)
    return torch.stack([first * cos - second * sin, first * sin + second * cos], 3).reshape(b, s, d)


def t5_shapes():
    shapes = {"shared.weight": (V, D), "encoder.norm.weight": (D,), "decoder.norm.weight": (D,)}
    for side, parts in (("encoder", ["self"]), ("decoder", ["self", "cross"])):
        for layer in range(L):
            b = f"{side}.{layer}"
            for part in parts:
                shapes[f"{b}.{part}.norm.weight"] = (D,)
                shapes |= {f"{b}.{part}.{n}.weight": (D, D) for n in ("q", "k", "v", "out")}
            shapes[f"{b}.norm2.weight"] = (D,)
            shapes |= {f"{b}.gate.weight": (2 * D, D), f"{b}.up.weight": (2 * D, D), f"{b}.down.weight": (D, 2 * D)}
    return shapes


def t5(p):
    def attention(b, x, memory, causal, mask, turn):
        h = rms(p, f"{b}.norm", x)
        source = h if memory is None else memory
        q, k, v = linear(p, f"{b}.q", h), linear(p, f"{b}.k", source), linear(p, f"{b}.v", source)
        if turn:
            q, k = rotate(q, H), rotate(k, H)
        return x + linear(p, f"{b}.out", attend(q, k, v, H, causal, mask))

    def gated(b, x):
        h = rms(p, f"{b}.norm2", x)
        return x + linear(p, f"{b}.down", F.silu(linear(p, f"{b}.gate", h)) * linear(p, f"{b}.up", h))

    x = F.embedding(ids(B * T, 0, V).view(B, T), p["shared.weight"])
    for layer in range(L):
        x = gated(f"encoder.{layer}", attention(f"encoder.{layer}.self", x, None, False, MASK, True))
    memory = rms(p, "encoder.norm", x)
    y = F.embedding(ids(B * T, 3, V).view(B, T), p["shared.weight"])
    for layer in range(L):
        y = attention(f"decoder.{layer}.self", y, None, True, None, True)
        y = attention(f"decoder.{layer}.cross", y, memory, False, MASK, False)
        y = gated(f"decoder.{layer}", y)
    y = rms(p, "decoder.norm", y)
    return F.cross_entropy(F.linear(y, p["shared.weight"]).view(-1, V), ids(B * T, 5, V))


def conv_shapes(size, filters):
    shapes, more = {}, 2 * filters
    for k, (o, i) in enumerate([(filters, 3), (filters, filters), (more, filters), (more, more)]):
        shapes |= {f"conv.{k}.weight": (o, i, 3, 3), f"conv.{k}.bias": (o,)}
    shapes |= {"hidden.weight": (128, more * (size // 4) ** 2), "hidden.bias": (128,), "out.weight": (10, 128), "out.bias": (10,)}
    return shapes


def conv_net(p, size):
    x = wave(B * 3 * size * size, 0.3, 0.9).float().view(B, 3, size, size)
    for k in range(4):
        x = F.relu(F.conv2d(x, p[f"conv.{k}.weight"], p[f"conv.{k}.bias"], padding=1))
        if k % 2 == 1:
            x = F.max_pool2d(x, 2)
    x = linear(p, "out", F.relu(linear(p, "hidden", x.flatten(1))))
    return F.cross_entropy(x, ids(B, 1, 10))


TABLES, ROWS, W = 4, 11, 6


def dlrm_shapes():
    shapes = {f"table.{k}.weight": (ROWS, W) for k in range(TABLES)}
    for name, sizes in (("bottom", [5, 512, 256, 64, W]), ("top", [W + TABLES * (TABLES + 1) // 2, 512, 256, 1])):
        for k, (i, o) in enumerate(zip(sizes, sizes[1:])):
            shapes |= {f"{name}.{k}.weight": (o, i), f"{name}.{k}.bias": (o,)}
    return shapes


def dlrm(p):
    b = wave(B * 5, 0.1, 0.9).float().view(B, 5)
    for k in range(4):
        b = F.relu(linear(p, f"bottom.{k}", b))
    rows = [F.embedding_bag(ids(B, k, ROWS)[:, None], p[f"table.{k}.weight"], mode="sum") for k in range(TABLES)]
    t = torch.stack([b] + rows, 1)
    i, j = torch.tril_indices(TABLES + 1, TABLES + 1, -1)
    x = torch.cat([b, (t @ t.transpose(1, 2))[:, i, j]], 1)
    for k in range(2):
        x = F.relu(linear(p, f"top.{k}", x))
    return F.binary_cross_entropy_with_logits(linear(p, "top.2", x).squeeze(1), ids(B, 1, 2).float())


MODELS = {
    "gpt": (transformer_shapes({}), gpt),
    "bert": (transformer_shapes({}), bert),
    "t5": (t5_shapes(), t5),
    "conv_net": (conv_shapes(8, 4), lambda p: conv_net(p, 8)),
    "wide_conv_net": (conv_shapes(32, 32), lambda p: conv_net(p, 32)),
    "dlrm": (dlrm_shapes(), dlrm),
}

if __name__ == "__main__":
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1] / "data/torch.json"
    result = {"torch": torch.__version__}
    for model, (shapes, loss) in MODELS.items():
        parameters = fill(shapes)
        value = loss(parameters)
        value.backward()
        gradients = {}
        for name, parameter in sorted(parameters.items()):
            g = parameter.grad.double().flatten()
            gradients[name] = [g.norm().item(), (g * wave(len(g), 0.5, 0.8)).sum().item()]
        result[model] = {"loss": value.item(), "gradients": gradients}
    out.write_text(json.dumps(result, indent=1) + "\n")
    print("wrote", out)
