"""Heads on a frozen transformer: scoring from text for two hundred communities, compared with one.

The trunk runs once for all of them and nothing is cached, so what is added is a matrix product. The
trunk is a small BERT with random weights; ``--minilm`` takes the packaged weights.

Run: ``python benchmarks/transformer_heads.py [FOLDER]`` (or PLURALIGN_DATA=FOLDER); see
transformer_scoring.py for the texts. One and two hundred take turns in one process. The table comes
last.
"""

import statistics
import time
from typing import Any

import numpy as np
from transformer_scoring import LIMIT, Sample, drawn_model, minilm, options_of, prism_pairs

from pluralign.core import requests_of, rng_for

COMMUNITIES = 200


def small_bert(threads: int) -> Any:
    """A BERT of 4 layers and 128 dimensions with random weights, and a tokenizer of whole words."""
    import torch
    from transformers import BertConfig

    torch.set_num_threads(threads)
    shape = {
        "hidden_size": 128,
        "num_hidden_layers": 4,
        "num_attention_heads": 4,
        "intermediate_size": 512,
    }
    return drawn_model(
        BertConfig(max_position_embeddings=LIMIT, **shape), "BertForSequenceClassification", "cpu"
    )


def product_seconds(feature_N_D: Any, model: Any) -> float:
    """The time of the heads alone, after the trunk has run."""
    began = time.perf_counter()
    feature_N_D.astype(np.float64) @ model.heads().T
    return time.perf_counter() - began


def main() -> None:
    parser = options_of(__doc__, pairs=200, rounds=7)
    parser.add_argument("--minilm", action="store_true")
    options = parser.parse_args()
    from pluralign.rewards import LinearRewardModel
    from pluralign.rewards.transformer.tokenized_texts import TextForm, form_for
    from pluralign.rewards.transformer.trunk import RequestEncoder, TransformerTrunk

    backbone = (minilm if options.minilm else small_bert)(options.threads)
    trunk: Any = TransformerTrunk(
        RequestEncoder(backbone, TextForm(form_for(backbone.tokenizer), LIMIT), "hidden")
    )
    chosen, rejected = requests_of(prism_pairs(Sample(options.folder, options.pairs)))
    requests = list(dict.fromkeys([*chosen, *rejected]))
    rng, ids = rng_for(0, "heads"), tuple(f"~c{k}" for k in range(COMMUNITIES))
    reference, delta = (
        rng.normal(size=trunk.dimensions),
        rng.normal(size=(COMMUNITIES, trunk.dimensions)),
    )
    models = {
        "one": LinearRewardModel(trunk, reference, ids[7:8], delta[7:8]),
        "two hundred": LinearRewardModel(trunk, reference, ids, delta),
    }
    models["two hundred"].score_all(requests[:8])
    times: dict[str, list[float]] = {name: [] for name in models}
    rewards: dict[str, Any] = {}
    for turn in range(options.rounds):
        for name in sorted(models, reverse=turn % 2 == 1):
            began = time.perf_counter()
            rewards[name] = models[name].score_all(requests)
            times[name].append(time.perf_counter() - began)
    apart = float(np.abs(rewards["two hundred"][:, 7] - rewards["one"][:, 0]).max())
    ratio = statistics.median(
        b / a for a, b in zip(times["one"], times["two hundred"], strict=True)
    )
    product = statistics.median(
        product_seconds(trunk.features(requests), models["two hundred"]) for _ in range(9)
    )
    size = sum(p.numel() for p in backbone.model.parameters())
    print(
        f"{len(requests)} texts, trunk of {size / 1e6:.1f} million parameters; the two differ by "
        f"{apart:.1e} at most"
    )
    print(f"{'communities':12} {'median s':>9}")
    for name, found in times.items():
        print(f"{name:12} {statistics.median(found):9.3f}")
    share = product / statistics.median(times["two hundred"])
    print(
        f"the matrix product for two hundred takes {1000 * product:.2f} ms, {share:.2%} of the "
        "whole"
    )
    print(
        f"two hundred take {ratio:.3f} times as long as one (median of {options.rounds} paired "
        "rounds)"
    )


if __name__ == "__main__":
    main()
