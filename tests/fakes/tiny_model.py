"""The smallest model that MLX loads: two random layers, a tokenizer of single bytes, a chat template. It babbles."""

from __future__ import annotations

import json
from pathlib import Path

import numpy
from safetensors.numpy import save_file
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
CONTROL_TOKENS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
BYTES = 256
UNFLAGGED_TOKENS = ("<tool_call>", "</tool_call>")
"""Added to the vocabulary, but not flagged as special: as Qwen has them."""


def write_tokenizer(folder: Path, *, template: str | None = CHAT_TEMPLATE) -> int:
    """A byte-level tokenizer is in ``folder``. Returns the size of its vocabulary."""
    vocabulary = {letter: number for number, letter in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    tokenizer = Tokenizer(models.BPE(vocabulary, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(text, special=True) for text in CONTROL_TOKENS])
    tokenizer.add_tokens([AddedToken(text) for text in UNFLAGGED_TOKENS] + [AddedToken("    ")])
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps({"eos_token": "<|im_end|>"}))
    if template is not None:
        (folder / "chat_template.jinja").write_text(template)
    return tokenizer.get_vocab_size()


def write_mlx_model(folder: Path, *, width: int = 32, layers: int = 2) -> None:
    """An MLX folder with random weights, the same each time, and the tokenizer."""
    vocabulary = write_tokenizer(folder)
    heads, inner = 4, 2 * width
    config = {
        "model_type": "llama",
        "hidden_size": width,
        "num_hidden_layers": layers,
        "intermediate_size": inner,
        "num_attention_heads": heads,
        "num_key_value_heads": heads,
        "rms_norm_eps": 1e-5,
        "vocab_size": vocabulary,
        "tie_word_embeddings": True,
    }
    (folder / "config.json").write_text(json.dumps(config))
    shapes = {"model.embed_tokens": (vocabulary, width), "model.norm": (width,)}
    for number in range(layers):
        layer = f"model.layers.{number}"
        shapes |= {f"{layer}.self_attn.{name}_proj": (width, width) for name in "qkvo"}
        shapes |= {f"{layer}.mlp.{name}_proj": (inner, width) for name in ("gate", "up")}
        shapes |= {f"{layer}.mlp.down_proj": (width, inner)}
        shapes |= {f"{layer}.{name}_layernorm": (width,) for name in ("input", "post_attention")}
    generator = numpy.random.default_rng(7)
    weights = {f"{name}.weight": generator.standard_normal(shape).astype(numpy.float32) for name, shape in shapes.items()}
    weights["model.embed_tokens.weight"][BYTES:] = 0.0  # so it never says a control token, and never ends by itself
    save_file(weights, folder / "model.safetensors", metadata={"format": "mlx"})
