# %% [markdown]
# # Take part and withdraw
#
# People compare answers on pages of their own community, a model learns from them, and one of them
# wants everything back. This tutorial goes that way once, and checks that the model is then the one
# that never saw the person. It needs `pip install 'pluralign[collect,report]'`.
#
# To see the pages, run `pluralign collect demo` and open its links in a browser. The people here
# are simulated, and so are those of that command.
#
# ## A study
#
# A study is a folder: its texts and settings, and a store with all that people gave. `make_demo`
# writes one in which 50 simulated people were invited, agreed to a consent text, and compared
# twelve pairs each. A steward agreed to a release, and one person has left already.

# %%
import time
from pathlib import Path

from pluralign.collecting.demo import make_demo
from pluralign.core import rng_for

study = Path("tea")
demo = make_demo(study, people=50, now=int(time.time()), rng=rng_for(0, "tutorial"))
print(sorted(path.name for path in study.iterdir() if not path.name.startswith(".")))

# %% [markdown]
# ## What a person has
#
# Nobody gives a name. A person gets a key of six words, and with it sees, changes or takes back all
# that they gave. This is the key of one simulated person, and what their page shows:

# %%
from pluralign.collecting import given_with_key

print("key:", demo.key)
given = given_with_key(study, demo.key)
print(given["community"], "agreed to:", ", ".join(given["consents"][0]["purposes"]))
answer = given["answers"][0]
print(len(given["answers"]), "answers; the newest is to:", answer["prompt"])

# %% [markdown]
# ## A release
#
# Models are never trained on the store. A release is a snapshot of what people agreed to release,
# with new ids for them. `finish_withdrawals` first takes out the person who has left already.
# Communities with fewer than ten people are left out, as `~isle` is here.

# %%
import pluralign
from pluralign.collecting import finish_withdrawals, releases_of

finish_withdrawals(study)
(release,) = releases_of(study)
before = pluralign.read_pairs(release, source="collected")
for community, counts in before.people().items():
    print(f"{community}: {counts['pairs']} pairs by {counts['raters']} people")

# %% [markdown]
# ## A model
#
# `draw = "hash"` puts each person on a side of the split by their own id, so that a person who
# leaves moves nobody else. `note_run` notes that this run used the release; then a withdrawal finds
# its models.

# %%
from pluralign.collecting import note_run

settings = {
    "name": "tea",
    "pairs": {"source": "collected", "path": str(release)},
    "split": {"by": "rater", "draw": "hash"},
    "trunk": {"encoder": "hash"},
    "methods": ["reference", "full"],
    "min_pairs": 100,
}
pluralign.run_experiment(settings, "run")
note_run(study, "run")

# %% [markdown]
# ## The withdrawal
#
# One call, as on the page of the person or by `pluralign collect withdraw`: the store deletes their
# answers, the release is written again without them, and the run is made again as if it had never
# had them. The receipt has digests before and after, no id of the person, and what nobody can call
# back.

# %%
from pluralign.collecting import withdraw_person

receipt = withdraw_person(study, demo.key)
print(receipt["answers"], "answers deleted")
print("models:", [run["models"] for run in receipt["runs"]])
print("cannot be recalled:")
for what in receipt["not_recalled"]:
    print(" ", what)

after = pluralign.read_pairs(release, source="collected")
left = before.people()["~hill"]["raters"], after.people()["~hill"]["raters"]
print("people of ~hill in the release, before and after:", *left)

# %% [markdown]
# ## Is it true?
#
# We make a new run of the new release, in a folder that never had the person, and compare the
# weights byte for byte. And the key opens nothing any more.

# %%
pluralign.run_experiment(settings, "fresh")
weights = "models/seed-0/full/model.safetensors"
same = Path("run", weights).read_bytes() == Path("fresh", weights).read_bytes()
print("the same weights, byte for byte:", same)

try:
    given_with_key(study, demo.key)
except pluralign.core.PluralignError as refusal:
    print(refusal.what)

# %% [markdown]
# ## What one person had changed
#
# To see how much one person of twenty counts, we fit the same model to the pairs of both releases,
# and compare them on the pairs of the people who stayed. Each point is such a pair: how much the
# model prefers the chosen response with the person, and without them. On the line, nothing changed.

# %%
import altair


def margins(pairs: pluralign.notebook.Pairs) -> list[float]:
    """How much a model of these pairs prefers the chosen response of those who stayed."""
    model = pluralign.fit(pairs, "full", communities="~hill", encoder="hash")
    stayed = after.of("~hill")
    chosen = model.score([(pair.prompt, pair.chosen) for pair in stayed], "~hill")
    rejected = model.score([(pair.prompt, pair.rejected) for pair in stayed], "~hill")
    return (chosen - rejected).tolist()


rows = [
    {"with": round(x, 3), "without": round(y, 3)}
    for x, y in zip(margins(before), margins(after), strict=True)
]
points = (
    altair.Chart(altair.Data(values=rows))
    .mark_circle(size=45, opacity=0.6)
    .encode(
        x=altair.X("with:Q", title="margin with the person, in logits"),
        y=altair.Y("without:Q", title="margin without them, in logits"),
    )
)
reach = max(abs(value) for row in rows for value in row.values())
ends = altair.Data(values=[{"at": -reach}, {"at": reach}])
line = altair.Chart(ends).mark_line(color="gray", strokeDash=[4, 4]).encode(x="at:Q", y="at:Q")
chart = (line + points).properties(
    title="What one person changed in the model of Hill", width=420, height=420
)
chart.save("change.svg")
chart

# %% [markdown]
# Each person may see this about themselves: `pluralign collect changed` measures it for everybody
# on the same pairs, and puts it on a page that the person alone can open.
#
# [People take part](../collecting.md) is the whole of a study, with consent, stewards, backups and
# a server; [Taking a word back](../withdrawal.md) has the guarantees, and what a withdrawal cannot
# reach.
