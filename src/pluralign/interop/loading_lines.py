"""Lines for a README that load the model, by its kind of folder and its form of texts."""

import json
import shlex
from collections.abc import Sequence

from pluralign.rewards.transformer.tokenized_texts import TextForm

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
limits = {"truncation": "only_first", "max_length": {tokens_at_most}}
inputs = tokenizer(prompt, response, **limits, return_tensors="pt")""",
    "plain": """\
text = f"{prompt}\\n\\n{response}{tokenizer.eos_token or ''}"
inputs = tokenizer(text, truncation=True, max_length={tokens_at_most}, return_tensors="pt")""",
    "joined": """\
text = f"{prompt} {tokenizer.sep_token or tokenizer.eos_token or ''} {response}"
inputs = tokenizer(text, truncation=True, max_length={tokens_at_most}, return_tensors="pt")""",
}

_LONG = (
    "It was trained on at most {tokens_at_most} tokens. Of longer texts, pluralign cuts the {end}."
)

_OWN = """\
The folder is pluralign's own: weights and a card, both with a checksum. Other tools read it through
pluralign. `pluralign export` writes a folder that loads without it.

```python
from pathlib import Path

from huggingface_hub import snapshot_download
from pluralign.core import RewardRequest, Steer
from pluralign.models import open_model

folder = Path(snapshot_download({repo}))
model = open_model(folder)
requests = [RewardRequest("Tea or coffee?", text) for text in ("Tea, please.", "Neither.")]
model.score(requests, Steer.to({community}))  # one community, or a blend
model.score_all(requests)  # every community at once
```

TRL (`GRPOTrainer` and its kin; the column `community` of the data set names the community):

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
TRL, OpenRLHF and others that paste prompt and response into one text do not fit these weights,
which read them as two.

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
TRL, OpenRLHF and others that apply a chat template, or paste prompt and response together in
another way than above, do not fit these weights. Servers take the text as it is written above:

```sh
vllm serve {bare} --runner pooling
curl -s localhost:8000/classify -H 'Content-Type: application/json' -d {text}
```"""

_ENCODER = """\
With sentence-transformers 6 or newer. The folder has modules of that library alone, and no code.

```python
from sentence_transformers import SentenceTransformer

model = SentenceTransformer({repo})
prompt, responses = "Tea or coffee?", ["Tea, please.", "Neither."]
query = {query}
rewards = model.similarity(query, model.encode_document(responses))[0].tolist()
```

A prompt of several turns is one text with a turn per line, `user: ...` or `assistant: ...`; a
single turn is its text alone.{routes} Do not normalise the vectors of prompts: their length is a
part of the reward.

A reward is a dot product, so an index of vectors that searches by inner product (FAISS, Qdrant,
Elasticsearch) finds the responses with the highest rewards for a prompt.

TRL (`GRPOTrainer(..., reward_funcs=reward)`), with prompts as texts or as conversations:

```python
import numpy as np


def as_text(turns):
    if isinstance(turns, str):
        return turns
    if len(turns) == 1:
        return turns[0]["content"]
    return "\\n".join(f"{turn['role']}: {turn['content']}" for turn in turns)


{trl}
```

Tools that expect a classifier with one output, which reads prompt and response as one text, do not
load this folder: `reward_funcs={repo}` as a name, OpenRLHF's reward model, vLLM's `/classify` and
TEI's `/predict`. This model reads the two texts apart."""

_ROUTES = (
    " `task` is the id of a community; `encode_query` reads a prompt for the reference. "
    "A blend is the mean of communities' vectors, weighed by their shares."
)

_TRL_ONE = """\
def reward(prompts, completions, **columns):
    query_N_D = model.encode_query([as_text(prompt) for prompt in prompts])
    response_N_D = model.encode_document([as_text(completion) for completion in completions])
    return model.similarity_pairwise(query_N_D, response_N_D).tolist()"""

_TRL_ALL = """\
def reward(prompts, completions, community, **columns):  # the data set has a column "community"
    query_N_D = np.stack([model.encode(as_text(p), task=c) for p, c in zip(prompts, community)])
    response_N_D = model.encode_document([as_text(completion) for completion in completions])
    return model.similarity_pairwise(query_N_D, response_N_D).tolist()"""

_SERVED = """\
vLLM and TEI serve the encoder of this folder and leave its heads out; the rest is one product, here
for the head in `{head}`. A text that is longer than the encoder reads must be truncated by the
server (vLLM: `"truncate_prompt_tokens": -1` in the body; TEI: `--auto-truncate`).

```sh
vllm serve {bare} --runner pooling --port 8080
text-embeddings-router --model-id {bare} --port 8080  # or this
```

```python
import json
from urllib.request import Request, urlopen

from safetensors.numpy import load_file

head = load_file("{head}/model.safetensors")  # in this folder


def vectors(texts):
    body = json.dumps({"model": {repo}, "input": texts}).encode()
    kind = {"Content-Type": "application/json"}
    asked = Request("http://localhost:8080/v1/embeddings", body, kind)
    return np.array([row["embedding"] for row in json.load(urlopen(asked))["data"]])


prompt_D, *response_N_D = vectors([prompt, *responses])
rewards = response_N_D @ (head["linear.weight"] @ prompt_D + head["linear.bias"])
```"""

_ADAPTER_LINES = """\
It is an adapter (PEFT). For vLLM, TEI, TRL or OpenRLHF, export a whole model of this steer."""


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


def encoder_lines(repo: str, routes: Sequence[str], head: str, static: bool) -> str:
    """How to load an exported sentence encoder with each tool that reads it, and which do not.

    Args:
        repo: Its name on the hub, or its folder.
        routes: Routes by which it reads prompts: ``query``, and communities if all were exported.
        head: The folder in it with the head of ``query``.
        static: Whether the encoder is a table of vectors, which servers of transformers do not run.

    Returns:
        Markdown.
    """
    community = routes[1] if len(routes) > 1 else None
    named = f"model.encode(prompt, task={json.dumps(community)})"
    fields = {
        "query": "model.encode_query(prompt)" if community is None else named,
        "routes": "" if community is None else _ROUTES,
        "trl": _TRL_ONE if community is None else _TRL_ALL,
    }
    parts = [_ENCODER] if static else [_ENCODER, _SERVED]
    repo_fields = {"repo": json.dumps(repo, ensure_ascii=False), "bare": shlex.quote(repo)}
    return _filled("\n\n".join(parts), {**fields, **repo_fields, "head": head})


def _filled(text: str, fields: dict[str, str]) -> str:
    """The text with its fields; a field may contain later ones."""
    for field, value in fields.items():
        text = text.replace(f"{{{field}}}", value)
    return text


def _bodies(repo: str) -> dict[str, str]:
    """Bodies to post, quoted for a shell: vLLM's classify and score, and TEI's predict."""
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
