"""Small models of random numbers in the formats of the third-party checkpoints.

The loaders of `vocaldouble.data.pretrained` open them, and `find` and `get` cannot tell one from a file that a user has downloaded.
"""
import json
import warnings
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from vocaldouble.data.pretrained import REGISTRY, autoencoder, load_state, packaged, registered

SMALL_AT = dict(
    in_channels=2,
    patch_size=4,
    channels=8,
    multipliers=[1, 2, 4, 4, 1],
    factors=[2, 2, 2, 1],
    num_blocks=[1, 1, 1, 1],
    bottleneck="tanh",
)


def write_stand_in(
    name: str,  # in the registry
    folder,  # a mirror to be, which gets NAME/FILE
    seed: int = 0,
) -> Path:  # of the weights
    "Write a small model of random numbers in the format of the true one. The same seed gives the same numbers."
    paths = [Path(folder) / name / part.file for part in registered(name).parts]
    paths[-1].parent.mkdir(parents=True, exist_ok=True)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        kind = REGISTRY[name].kind
        if kind == "onnx":
            paths[-1].write_bytes(small_graph(name, np.random.default_rng(seed)).SerializeToString())
        elif kind == "script":
            small_rave().save(str(paths[-1]))
        else:
            torch.save(small_state(name), paths[-1])
    if name == "at-v1":
        about = dict(model_type="archinetai/autoencoder1d-AT-v1", architectures=["AutoEncoder1d"])
        paths[0].write_text(json.dumps(about | SMALL_AT))
    return paths[-1]


def small_state(name: str) -> dict:
    "Random tensors in the format of a model, small where the format allows."
    if name == "at-v1":
        return {f"autoencoder.{k}": v for k, v in autoencoder(SMALL_AT).state_dict().items()}
    if name.startswith("rtvc"):
        return rtvc_state()
    if name == "voicefilter":
        linear = nn.Linear(16, 256).state_dict()
        return lstm_state(40, 16) | {f"proj.linear_layer.{k}": v for k, v in linear.items()}
    true = load_state(packaged("distillmos", "distill_mos_v7.pt"))["model"]
    one_number_each = {k: torch.randn([1] * v.ndim).to(v.dtype).expand(v.shape) for k, v in true.items()}
    return dict(step=1, model=one_number_each)


def rtvc_state() -> dict:
    "Random tensors as RTVC's authors store them."
    linear = nn.Linear(16, 256).state_dict()
    lstm = lstm_state(40, 16)
    similarity = dict(similarity_weight=torch.tensor([10.0]), similarity_bias=torch.tensor([-5.0]))
    model = lstm | {f"linear.{k}": v for k, v in linear.items()} | similarity
    return dict(step=1, model_state=model, optimizer_state={})


def lstm_state(mels: int, hidden: int, layers: int = 3, prefix: str = "lstm.") -> dict:
    "Random tensors of an LSTM."
    return {prefix + k: v for k, v in nn.LSTM(mels, hidden, layers, batch_first=True).state_dict().items()}


def small_graph(name: str, random: np.random.Generator) -> onnx.ModelProto:
    "A graph of a few nodes with the inputs and outputs of a model."
    inputs, outputs, nodes, constants = (encoder_graph if name == "voicefilter-int8" else pitch_graph)(random)
    graph = helper.make_graph(nodes, name, inputs, outputs, constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def value(name: str, shape: list):
    "A float input or output of a graph."
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def encoder_graph(random) -> tuple:  # inputs, outputs, nodes, constants
    "A speaker encoder that sends the mean of a window through a matrix."
    nodes = [
        helper.make_node("ReduceMean", ["mel_window"], ["mean"], axes=[1], keepdims=0),
        helper.make_node("MatMul", ["mean", "w"], ["embedding"]),
    ]
    matrix = random.standard_normal((40, 256)).astype("float32")
    inputs, outputs = [value("mel_window", ["batch", 80, 40])], [value("embedding", ["batch", 256])]
    return inputs, outputs, nodes, [numpy_helper.from_array(matrix, "w")]


def pitch_graph(random) -> tuple:  # inputs, outputs, nodes, constants
    "A pitch tracker whose pitch follows the loudness."
    steps = (
        ("Unsqueeze", ["audio", "one"], ["x"]),
        ("MaxPool", ["x"], ["peak"]),
        ("Squeeze", ["peak", "one"], ["loud"]),
        ("Mul", ["loud", "w"], ["scaled"]),
        ("Sigmoid", ["scaled"], ["confidence"]),
        ("Sub", ["fmax", "fmin"], ["range"]),
        ("Mul", ["confidence", "range"], ["above"]),
        ("Add", ["above", "fmin"], ["pitch"]),
    )
    pool = dict(kernel_shape=[256], strides=[256])
    nodes = [helper.make_node(*s, **pool if s[0] == "MaxPool" else {}) for s in steps]
    weight = random.standard_normal(1).astype("float32")
    constants = [numpy_helper.from_array(weight, "w"), helper.make_tensor("one", TensorProto.INT64, [1], [1])]
    inputs = [value("audio", [1, "samples"]), value("fmin", []), value("fmax", [])]
    return inputs, [value("pitch", [1, "frames"]), value("confidence", [1, "frames"])], nodes, constants


class SmallRave(nn.Module):
    "RAVE's methods: `encode` [B, 1, N] -> [B, latents, N / ratio], and `decode` back."

    def __init__(self, latents: int, ratio: int):
        super().__init__()
        self.down = nn.Conv1d(1, latents, ratio, ratio)
        self.up = nn.ConvTranspose1d(latents, 1, ratio, ratio)
        self.register_buffer("encode_params", torch.tensor([1, 1, latents, ratio]))
        self.register_buffer("decode_params", torch.tensor([latents, ratio, 1, 1]))

    def encode(self, x):
        return self.down(x)

    def decode(self, z):
        return torch.tanh(self.up(z))

    def forward(self, x):
        return self.decode(self.encode(x))


def small_rave(latents: int = 4, ratio: int = 2048) -> torch.jit.ScriptModule:
    "A TorchScript program with RAVE's methods."
    x, model = torch.zeros(1, 1, ratio), SmallRave(latents, ratio).requires_grad_(False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return torch.jit.trace_module(model, dict(forward=x, encode=x, decode=model.encode(x)))
