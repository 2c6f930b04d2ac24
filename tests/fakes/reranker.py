"""A reranker that needs no model, and the smallest one that sentence-transformers loads: random weights, the same each time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ragcli.steps.sentences import words_of


class SharedWords:
    """Scores by the share of the question's words. Fits ``Reranker``."""

    name = "shared-words"

    def __init__(self) -> None:
        self.asked: list[tuple[str, int]] = []

    def score(self, question: str, texts: Sequence[str]) -> Sequence[float]:
        self.asked.append((question, len(texts)))
        wanted = words_of(question)
        return [len(wanted & words_of(text)) / max(1, len(wanted)) for text in texts]


def write_cross_encoder(folder: Path, *, labels: int = 1) -> None:
    """A folder as a hub has it: a classifier over pairs, its tokenizer, and nothing of sentence-transformers' own."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "the", "lease", "ends", "in", "may", "cat", "sleeps", "when", "does", "end"]
    tokenizer = Tokenizer(models.WordLevel({word: number for number, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    special = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=64, **special).save_pretrained(folder)
    torch.manual_seed(7)
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
        num_labels=labels,
        initializer_range=0.5,
    )
    BertForSequenceClassification(config).save_pretrained(folder)
