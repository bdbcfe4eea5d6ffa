"""Tiny models with tiny tokenizers, written to folders once, and pairs and requests for them."""

import gc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pluralign.core import Message, PreferencePair, RewardRequest, rng_for

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers  # noqa: E402

from pluralign.rewards.transformer.backbones import Backbone, ModelSource, load_backbone  # noqa: E402
from pluralign.rewards.transformer.model import TransformerRewardModel  # noqa: E402
from pluralign.rewards.transformer.tokenized_texts import TextForm, form_for  # noqa: E402

WORDS = [
    "tea",
    "coffee",
    "water",
    "bread",
    "rice",
    "maize",
    "market",
    "village",
    "city",
    "river",
    "school",
    "work",
    "family",
    "elder",
    "child",
    "song",
    "prayer",
    "vote",
    "law",
    "land",
    "what",
    "do",
    "you",
    "drink",
    "where",
    "who",
    "should",
    "decide",
    "how",
    "live",
    "with",
    "the",
    "a",
    "we",
    "they",
    "old",
    "new",
    "good",
    "bad",
    "often",
    "never",
    "because",
]
CHAT = (
    "<s>{% for m in messages %}<|{{ m['role'] }}|>\n{{ m['content'] | trim }}</s>\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)
COMMUNITIES = ("GBR", "MEX", "~yoruba")
SMALL = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "max_position_embeddings": 256,
    "initializer_range": 0.25,
}


@dataclass(frozen=True)
class Tiny:
    """Folders of tiny models, and what to ask them.

    Folders: ``encoder`` (BERT, one reward), ``base`` (BERT without a head),
    ``labels`` (BERT, three outputs), ``roberta`` (a head of two layers),
    ``decoder`` (Llama, one reward), ``causal`` (Llama, no head, no pad token),
    ``chat`` (Llama, one reward, a chat template).
    """

    root: Path

    def folder(self, name: str) -> Path:
        return self.root / name

    def load(self, name: str, **settings: Any) -> Backbone:
        return load_backbone(ModelSource(str(self.folder(name)), device="cpu", **settings))

    def form(self, backbone: Backbone, max_length: int = 128) -> TextForm:
        return TextForm(form_for(backbone.tokenizer), max_length)

    def text(self, rng: np.random.Generator, longest: int = 12) -> str:
        return " ".join(rng.choice(WORDS, rng.integers(1, longest + 1)).tolist())

    def requests(self, count: int, seed: int = 0) -> list[RewardRequest]:
        rng = rng_for(seed, "requests")
        return [RewardRequest(self.text(rng), self.text(rng, 30)) for _ in range(count)]

    def turns(self, count: int, seed: int = 0) -> list[RewardRequest]:
        rng = rng_for(seed, "turns")
        return [
            RewardRequest(
                (
                    Message("user", self.text(rng)),
                    Message("assistant", self.text(rng)),
                    Message("user", self.text(rng, 40)),
                ),
                self.text(rng, 20),
            )
            for _ in range(count)
        ]

    def pairs(
        self, count: int, seed: int = 0, communities: Sequence[str] = ("GBR",)
    ) -> list[PreferencePair]:
        """Pairs whose chosen response speaks of tea: what a model can learn."""
        rng = rng_for(seed, "pairs")
        return [
            PreferencePair(
                f"{seed}-{i}",
                self.text(rng),
                f"tea {self.text(rng)} tea",
                f"coffee {self.text(rng)} law",
                communities[i % len(communities)],
                rater=f"r{i // 3}",
            )
            for i in range(count)
        ]


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    root = tmp_path_factory.mktemp("models")
    for name, (build, tokenizer) in _builders().items():
        torch.manual_seed(11)
        build(tokenizer).save_pretrained(root / name)
        tokenizer.save_pretrained(root / name)
    return Tiny(root)


@pytest.fixture(scope="session", autouse=True)
def _quick() -> None:
    """One thread suits models this small; trainers collect garbage, so freeze lasting objects."""
    torch.set_num_threads(1)
    gc.freeze()


def lora_part(tiny: Tiny, name: str, folder: Path, seed: int, rank: int) -> None:
    """An adapter as PEFT saves it, none of whose matrices is zero."""
    from peft import LoraConfig, TaskType, get_peft_model

    torch.manual_seed(seed)
    backbone = tiny.load(name)
    head = "score" if hasattr(backbone.model, "score") else "classifier"
    config = LoraConfig(
        task_type=TaskType.SEQ_CLS,
        r=rank,
        lora_alpha=3 * rank,
        target_modules="all-linear",
        modules_to_save=[head],
    )
    model = get_peft_model(backbone.model, config)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.copy_(0.3 * torch.randn_like(parameter))
    model.save_pretrained(folder)


def full_part(tiny: Tiny, name: str, folder: Path, seed: int) -> None:
    torch.manual_seed(seed)
    model = tiny.load(name).model
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    model.save_pretrained(folder)


@pytest.fixture(scope="session")
def parts(
    tiny: Tiny, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., TransformerRewardModel]:
    """``parts("lora", "encoder", (2, 4, 3))``: a model of three communities on its own backbone."""
    root = tmp_path_factory.mktemp("parts")

    def make(kind: Any, name: str, ranks: tuple[int, ...] = (2, 2, 2)) -> TransformerRewardModel:
        folders = {}
        for seed, community in enumerate(COMMUNITIES):
            rank = ranks[seed] if kind == "lora" else 0
            folders[community] = root / f"{kind}-{name}-{seed}-{rank}"
            if not folders[community].is_dir():
                if kind == "lora":
                    lora_part(tiny, name, folders[community], seed, rank)
                else:
                    full_part(tiny, name, folders[community], seed)
        backbone = tiny.load(name)
        return TransformerRewardModel(backbone, tiny.form(backbone), kind, folders)

    return make


def _builders() -> dict[str, tuple[Callable[[Any], Any], Any]]:
    def bert(kind: Any, labels: int) -> Callable[[Any], Any]:
        def build(tokenizer: Any) -> Any:
            config = transformers.BertConfig(vocab_size=len(tokenizer), pad_token_id=0, **SMALL)
            config.num_labels = labels
            if labels == 3:
                config.id2label = {0: "toxic", 1: "helpful", 2: "humour"}
            return _spread(kind(config))

        return build

    def llama(kind: Any) -> Callable[[Any], Any]:
        def build(tokenizer: Any) -> Any:
            config = transformers.LlamaConfig(
                vocab_size=len(tokenizer), num_labels=1, bos_token_id=1, eos_token_id=2, **SMALL
            )
            config.pad_token_id = tokenizer.pad_token_id
            return _spread(kind(config))

        return build

    def roberta(tokenizer: Any) -> Any:
        config = transformers.RobertaConfig(
            vocab_size=len(tokenizer), num_labels=1, pad_token_id=0, **SMALL
        )
        return _spread(transformers.RobertaForSequenceClassification(config))

    one = transformers.BertForSequenceClassification
    return {
        "encoder": (bert(one, 1), _word_tokenizer()),
        "labels": (bert(one, 3), _word_tokenizer()),
        "base": (bert(transformers.BertModel, 2), _word_tokenizer()),
        "roberta": (roberta, _word_tokenizer(types=False)),
        "decoder": (
            llama(transformers.LlamaForSequenceClassification),
            _byte_tokenizer(pad="<pad>"),
        ),
        "causal": (llama(transformers.LlamaForCausalLM), _byte_tokenizer(pad=None)),
        "chat": (
            llama(transformers.LlamaForSequenceClassification),
            _byte_tokenizer(pad="<pad>", template=CHAT),
        ),
    }


def _spread(model: Any) -> Any:
    """Give biases and norms random values: those of a new model are alike and would hide faults."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.dim() == 1:
                parameter.add_(
                    0.1 * torch.randn_like(parameter)
                    if "bias" in name or "norm" in name.lower()
                    else 0
                )
    return model


def _word_tokenizer(types: bool = True) -> Any:
    specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    inner = Tokenizer(
        models.WordLevel({w: i for i, w in enumerate([*specials, *WORDS])}, unk_token="[UNK]")
    )
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    inner.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=inner,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        model_input_names=["input_ids", "attention_mask", *(["token_type_ids"] if types else [])],
    )


def _byte_tokenizer(pad: str | None, template: str | None = None) -> Any:
    specials = [
        "<unk>",
        "<s>",
        "</s>",
        *([pad] if pad else []),
        "<|user|>",
        "<|assistant|>",
        "<|system|>",
    ]
    inner = Tokenizer(models.BPE(unk_token="<unk>"))
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    inner.train_from_iterator(
        [" ".join(WORDS)] * 3,
        trainers.BpeTrainer(
            vocab_size=400,
            special_tokens=specials,
            show_progress=False,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        ),
    )
    inner.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A $B", special_tokens=[("<s>", 1)]
    )
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=inner, pad_token=pad, unk_token="<unk>", bos_token="<s>", eos_token="</s>"
    )
    tokenizer.chat_template = template
    return tokenizer
