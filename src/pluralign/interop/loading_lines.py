"""How to load a model, by what its folder holds and how its texts are written: lines for its README."""

import json
import shlex

from pluralign.rewards.transformer.texts import TextForm

_MODEL = """\
model = AutoModelForSequenceClassification.from_pretrained({repo}).eval()"""

_ADAPTER = """\
model = AutoModelForSequenceClassification.from_pretrained({base}, num_labels=1)
model.config.pad_token_id = tokenizer.pad_token_id
model = PeftModel.from_pretrained(model, {repo}).eval()"""

_TRANSFORMERS = """\
```python
import torch
{peft}from transformers import AutoModelForSequenceClassification, AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained({repo}{side})
{model}
prompt, response = "Tea or coffee?", "Tea, please."
{tokens}
with torch.no_grad():
    reward = model(**inputs).logits[0, 0].item()
```"""

_TOKENS = {
    "chat": """\
messages = [{"role": "user", "content": prompt}, {"role": "assistant", "content": response}]
inputs = tokenizer.apply_chat_template(messages, return_dict=True, return_tensors="pt")""",
    "pair": """\
inputs = tokenizer(prompt, response, truncation="only_first", max_length={tokens_at_most}, return_tensors="pt")""",
    "plain": """\
text = f"{prompt}\\n\\n{response}{tokenizer.eos_token or ''}"
inputs = tokenizer(text, truncation=True, max_length={tokens_at_most}, return_tensors="pt")""",
    "joined": """\
text = f"{prompt} {tokenizer.sep_token or tokenizer.eos_token or ''} {response}"
inputs = tokenizer(text, truncation=True, max_length={tokens_at_most}, return_tensors="pt")""",
}

_LONG = "It was trained on at most {tokens_at_most} tokens. What is longer, pluralign cuts at the {end}."

_OWN = """\
The folder is pluralign's own: weights and a card, both with a checksum. Other tools read it through pluralign.

```python
from pathlib import Path

from huggingface_hub import snapshot_download
from pluralign.core import RewardRequest, Steer
from pluralign.models import open_model

folder = Path(snapshot_download({repo}))
model = open_model(folder)
requests = [RewardRequest("Tea or coffee?", "Tea, please."), RewardRequest("Tea or coffee?", "Neither.")]
model.score(requests, Steer.to({community}))  # one community, or a blend
model.score_all(requests)  # every community at once
```

TRL (`GRPOTrainer` and its kin; the column `community` of the data set says whose taste counts):

```python
from pluralign.interop import TrlReward

reward = TrlReward(folder)  # reward_funcs=reward
```"""

_CHAT_LINES = """\
TRL, on conversational prompts: `GRPOTrainer(..., reward_funcs={repo})`.

vLLM:

```sh
vllm serve {bare} --runner pooling
curl -s localhost:8000/classify -H 'Content-Type: application/json' -d {classify}
```

OpenRLHF (0.11), where the head is called `score`: `--reward.model_name_or_path {bare}`."""

_PAIR_LINES = """\
TRL, OpenRLHF and others that paste prompt and response into one text do not fit these weights, which read them as two.

vLLM:

```sh
vllm serve {bare} --runner pooling
curl -s localhost:8000/score -H 'Content-Type: application/json' -d {score}
```

TEI (a batch of pairs, and raw scores):

```sh
text-embeddings-router --model-id {bare} --port 8080
curl -s localhost:8080/predict -H 'Content-Type: application/json' -d {predict}
```"""

_TEXT_LINES = """\
TRL, OpenRLHF and others that apply a chat template, or paste prompt and response together without what stands between
them above, do not fit these weights. Servers take the text as it is written above:

```sh
vllm serve {bare} --runner pooling
curl -s localhost:8000/classify -H 'Content-Type: application/json' -d {text}
```"""

_ADAPTER_LINES = """\
It is an adapter (PEFT). For vLLM, TEI, TRL or OpenRLHF, export a whole model of this steer: they read one without
anything beside it."""


def loading_lines(repo: str, form: TextForm | None, community: str, base: str | None = None) -> str:
    """How to load a model with each tool that reads it rightly, and which do not.

    Args:
        repo: Its name on the hub, or its folder.
        form: How prompt and response are written for it; None for a folder of pluralign's own.
        community: One it can be steered to, for the example.
        base: The model that it is an adapter of; None for a whole model.

    Returns:
        Markdown.
    """
    quoted = json.dumps(repo, ensure_ascii=False)
    if form is None:
        return _filled(
            _OWN, {"repo": quoted, "community": json.dumps(community, ensure_ascii=False)}
        )
    whole = {"chat": _CHAT_LINES, "pair": _PAIR_LINES}.get(form.kind, _TEXT_LINES)
    fields = {
        "peft": "" if base is None else "from peft import PeftModel\n",
        "model": _MODEL if base is None else _ADAPTER,
        "base": json.dumps(base, ensure_ascii=False),
        "side": ', truncation_side="left"' if form.kind in {"pair", "plain"} else "",
        "tokens": _TOKENS[form.kind],
        "end": "end" if form.kind == "joined" else "beginning of the prompt",
        "tokens_at_most": str(form.max_length),
    }
    parts = [_TRANSFORMERS, _LONG, whole if base is None else _ADAPTER_LINES]
    return _filled(
        "\n\n".join(parts), {**fields, "repo": quoted, "bare": shlex.quote(repo), **_bodies(repo)}
    )


def _filled(text: str, fields: dict[str, str]) -> str:
    """The text with its fields; a field may hold those after it."""
    for field, value in fields.items():
        text = text.replace(f"{{{field}}}", value)
    return text


def _bodies(repo: str) -> dict[str, str]:
    """What to post: https://docs.vllm.ai (classify, score) and text-embeddings-inference (predict), for a shell."""
    prompt, response = "Tea or coffee?", "Tea, please."
    turns = [{"role": "user", "content": prompt}, {"role": "assistant", "content": response}]
    bodies = {
        "classify": {"model": repo, "messages": turns, "use_activation": False},
        "score": {
            "model": repo,
            "queries": prompt,
            "documents": [response],
            "use_activation": False,
        },
        "predict": {"inputs": [[prompt, response]], "raw_scores": True},
        "text": {"model": repo, "input": "TEXT", "use_activation": False},
    }
    return {
        name: shlex.quote(json.dumps(body, ensure_ascii=False)) for name, body in bodies.items()
    }
