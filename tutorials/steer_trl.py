# %% [markdown]
# # Steer a TRL run
#
# A reward model that is steered to a community can teach a language model. This tutorial fits one,
# gives it to the GRPO trainer of TRL as its reward function, and measures by somebody else's taste
# how the answers changed: for the community that the run follows, and for another one.
#
# The language model is a toy that is trained here in seconds: each of its words is a whole sentence
# of the simulated society. Everything else is as with a real model. It needs `pip install
# 'pluralign[report,train]'`.
#
# ## A reward model
#
# The same steps as in [your own pairs](own_pairs.md): people of `~hill` prefer nearly the opposite
# of the others.

# %%
import pluralign

pairs = pluralign.read_pairs(source="society")
reward_model = pluralign.fit(
    pairs, "full", reference="~world", communities=["~hill", "~coast"], encoder="hash"
)

# %% [markdown]
# ## A reward function
#
# `TrlReward` is what TRL calls: prompts and completions in, one number for each out. `community`
# may also be a column of the data set, so that each prompt names its own.

# %%
from pluralign.interop import TrlReward

reward = TrlReward(reward_model, community="~hill")
prompt = "My neighbour is loud at night. What should I do?"
completions = [
    "Tell them openly and without any detour.",
    "You might let the matter come up indirectly.",
]
for completion, value in zip(completions, reward([prompt] * 2, completions), strict=True):
    print(f"{value:+.2f}  {completion}")

# %% [markdown]
# ## A judge
#
# A policy that is optimised against a reward model learns its errors, too. So another judge
# measures the result. The truth of a simulated society is known: `PlantedReward` is the taste that
# was written down. With real people, fit a second reward model on other raters (`pluralign align`
# does).
#
# TRL takes several reward functions. A weight of 0 only logs.

# %%
from pluralign.simulation import PlantedReward, default_society

truth = PlantedReward(default_society())
follower = TrlReward(truth, community="~hill")
bystander = TrlReward(truth, community="~coast")
reward.__name__, follower.__name__, bystander.__name__ = "reward model", "hill", "coast"

# %% [markdown]
# ## A toy language model
#
# With a real model, leave this out and give its name to the trainer.

# %%
from pathlib import Path

from pluralign.aligning import PlantedWriterSettings, build_planted_writer, planted_prompts

build_planted_writer(Path("writer"), PlantedWriterSettings(replies=2000, steps=120))
prompts = planted_prompts(96)
training, held_out = prompts[:64], prompts[64:]

# %% [markdown]
# ## Train
#
# A plain GRPO run of 30 steps, with 64 answers in each.

# %%
from datasets import Dataset
from transformers import PrinterCallback, set_seed
from trl import GRPOConfig, GRPOTrainer

set_seed(0)
trainer = GRPOTrainer(
    model="writer",
    reward_funcs=[reward, follower, bystander],
    args=GRPOConfig(
        output_dir="policy",
        reward_weights=[1.0, 0.0, 0.0],
        max_steps=30,
        learning_rate=2e-3,
        per_device_train_batch_size=64,
        num_generations=8,
        max_completion_length=8,
        logging_steps=1,
        save_strategy="no",
        report_to=[],
        use_cpu=True,
        bf16=False,
        disable_tqdm=True,
    ),
    train_dataset=Dataset.from_list(
        [{"prompt": [{"role": "user", "content": prompt}]} for prompt in training]
    ),
)
trainer.remove_callback(PrinterCallback)
trainer.train()
trainer.save_model("policy")

# %% [markdown]
# ## Measure on prompts that it has not seen
#
# Both models answer 32 new prompts, four times each. The judge's mean is over prompts, and so is
# its interval: answers to one prompt are alike.

# %%
import numpy as np

from pluralign.core import Message, Sampling
from pluralign.metrics import t_interval
from pluralign.respondents.local import load_chat_model


def answers_of(folder: str) -> list[list[str]]:
    """Four answers of a model to each held-out prompt."""
    sampling = Sampling(temperature=1.0, max_new_tokens=8)
    asked = [(Message("user", prompt),) for prompt in held_out]
    return [
        [reply.text for reply in replies]
        for replies in load_chat_model(folder).sample(asked, sampling, 4)
    ]


def judged(answers: list[list[str]], community: str) -> np.ndarray:
    """The mean of the judge for each prompt."""
    return np.array(
        [
            truth.score([(prompt, text) for text in texts], community).mean()
            for prompt, texts in zip(held_out, answers, strict=True)
        ]
    )


before, after = answers_of("writer"), answers_of("policy")
print("before:", before[0][0])
print("after: ", after[0][0])
for community in ("~hill", "~coast"):
    gain = judged(after, community) - judged(before, community)
    n = len(gain)
    low, high = t_interval(gain.mean(), gain.var(ddof=1) / n, n - 1)
    print(f"{community}: {gain.mean():+.2f} logits [{low:+.2f}, {high:+.2f}], {n} prompts")

# %% [markdown]
# ## The run in one picture

# %%
import altair

names = {
    "reward model": "the reward model that the run follows",
    "hill": "true taste of Hill",
    "coast": "true taste of Coast",
}
steps = trainer.state.log_history[:-1]
rows = []
for name, label in names.items():
    means = [entry[f"rewards/{name}/mean"] for entry in steps]
    start = np.mean(means[:3])
    for step, mean in enumerate(means, 1):
        rows.append({"step": step, "judge": label, "change": round(mean - start, 3)})
chart = (
    altair.Chart(altair.Data(values=rows))
    .mark_line(point=True)
    .encode(
        x=altair.X("step:Q", title="training step"),
        y=altair.Y("change:Q", title="change of the mean, in logits"),
        color=altair.Color(
            "judge:N", title=None, legend=altair.Legend(orient="bottom", columns=1, labelLimit=0)
        ),
        strokeDash=altair.StrokeDash("judge:N", title=None),
    )
    .properties(title="A run that follows Hill, as three judges see it", width=560, height=260)
)
chart.save("rewards.svg")
chart

# %% [markdown]
# The answers please people of `~hill` more with every step, by the reward model and by their true
# taste. For people of `~coast` the interval contains 0: this run shows neither a gain nor a loss.
#
# Read the answers as well as the numbers. These became longer, because each further sentence can
# earn something: the reward model has no word on when to stop. A run on real people needs a judge
# of other people and a look at the length, which `pluralign audit` takes ([Audits](../audits.md)).
#
# Training on a real model takes a GPU. `community_rewards` trains one policy for several
# communities, and `AggregatedReward` for the one that likes an answer least ([Other
# tools](../interop.md#trl)). `pluralign align` is the same with stages, judges, intervals and a
# report ([Following a community](../aligning.md)).
