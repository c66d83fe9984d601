"Codecs of other projects that are programs, and files that are no codec."
import json
import warnings

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from vocaldouble.config import UserError
from vocaldouble.convert.codec import open_archisound, open_codec, open_rave

PROGRAM = """
import torch
from transformers import PretrainedConfig, PreTrainedModel
class Config(PretrainedConfig):
    model_type = "small"
class Model(PreTrainedModel):
    config_class = Config
    def __init__(self, config):
        super().__init__(config)
        self.down = torch.nn.Conv1d(2, 6, 64, 64)
        self.post_init()
    def encode(self, x):
        return torch.tanh(self.down(x))
    def decode(self, z, num_steps=0):
        return num_steps + torch.nn.functional.conv_transpose1d(z, self.down.weight, stride=64)
"""


class Remembering(nn.Module):
    "A program that adds the last sample of the call before."

    def __init__(self):
        super().__init__()
        self.register_buffer("encode_params", torch.tensor([1, 1, 1, 16]))
        self.register_buffer("past", torch.zeros(1))

    @torch.jit.export
    def encode(self, x: torch.Tensor) -> torch.Tensor:
        z = x.unflatten(-1, (-1, 16)).mean(-1) + self.past
        self.past.copy_(x[0, 0, -1:])
        return z

    @torch.jit.export
    def decode(self, z: torch.Tensor) -> torch.Tensor:
        return z.repeat_interleave(16, -1)


def script(module, path):
    "The path of a TorchScript program."
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.script(module).save(path)
    return path


@torch.inference_mode()
def test_a_program_that_remembers_starts_afresh_with_each_call(tmp_path):
    codec, ones = open_rave(script(Remembering(), tmp_path / "past.ts"), run_code=True), torch.ones(1, 1, 64)
    assert float(codec.model.encode(ones).max() + codec.model.encode(ones).max()) == 3
    for _ in range(2):
        assert torch.equal(codec.encode(ones), torch.ones(1, 1, 4))
    assert codec.ratio == 16


def test_a_program_of_another_kind(tmp_path):
    with pytest.raises(UserError, match="no RAVE model"):
        open_rave(script(nn.Linear(2, 2), tmp_path / "other.ts"), run_code=True)


@torch.inference_mode()
def test_a_folder_as_the_hub_of_archisound_serves_it(tmp_path, monkeypatch):
    "A config that names the program beside it, the program, and weights."
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "small"
    folder.mkdir()
    (folder / "small.py").write_text(PROGRAM)
    auto = dict(AutoConfig="small.Config", AutoModel="small.Model")
    (folder / "config.json").write_text(json.dumps(dict(model_type="small", auto_map=auto)))
    weights = nn.Conv1d(2, 6, 64, 64).state_dict()
    torch.save({f"down.{k}": v for k, v in weights.items()}, folder / "pytorch_model.bin")
    codec, silence = open_archisound(str(folder), run_code=True, num_steps=2), torch.zeros(1, 1, 1000)
    assert (codec.size, codec.ratio, codec(silence).shape) == (6, 64, (1, 1, 1000))
    assert abs(float(codec(silence).mean()) - 2) < 0.5


def test_a_file_without_a_shape(tmp_path):
    save_file(dict(weight=torch.zeros(2)), tmp_path / "codec.safetensors")
    with pytest.raises(UserError, match="no codec of this package"):
        open_codec(tmp_path / "codec.safetensors")


@pytest.mark.parametrize("shape", ["{}", "3", '{"depth": 3}', "{"])
def test_a_shape_that_does_not_fit(tmp_path, shape):
    save_file(dict(weight=torch.zeros(2)), tmp_path / "codec.safetensors", dict(shape=shape))
    with pytest.raises(UserError, match="do not fit its shape"):
        open_codec(tmp_path / "codec.safetensors")
