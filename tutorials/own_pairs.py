# %% [markdown]
# # Your own pairs to a steered model
#
# You have choices of people: a prompt, the response that a person chose, and the one that they
# rejected. This tutorial reads such pairs, fits a reward model that is steered to each community,
# measures it on people that it has not seen, and scores new responses.
#
# It takes about two minutes to read and a few seconds to run. The picture at the end needs `pip
# install 'pluralign[report]'`.
#
# ## A pair
#
# One row is one choice of one person. `community` is the group that the person belongs to: a
# country such as `MEX`, or a name of your own with a `~`. `rater` is an id of the person.

# %%
import pluralign

row = {
    "prompt": "My aunt is ill. What should I bring?",
    "chosen": "Soup, and an hour of your time.",
    "rejected": "Flowers by mail.",
    "community": "MEX",
    "rater": "r17",
}
print(pluralign.read_pairs([row]))

# %% [markdown]
# ## A file of pairs
#
# One row teaches a model nothing. To have enough, we let simulated people choose: `society` is a
# small world of five communities whose tastes were written down, so that we can check what a model
# finds. People of `~hill` prefer nearly the opposite of the others. We write their choices to a CSV
# file such as yours.

# %%
import csv

columns = ["prompt", "chosen", "rejected", "community", "rater"]
with open("pairs.csv", "w", encoding="utf-8", newline="") as file:
    writer = csv.writer(file)
    writer.writerow(columns)
    for pair in pluralign.read_pairs(source="society"):
        writer.writerow([getattr(pair, column) for column in columns])

# %% [markdown]
# From here on, nothing is special about the file: put yours in its place. `read_pairs` counts the
# rows that it had to leave out, with the reason; here it left out none.

# %%
pairs = pluralign.read_pairs("pairs.csv")
print(pairs)
for community, counts in pairs.people().items():
    print(f"{community:8} {counts['pairs']:5} pairs by {counts['raters']} people")

# %% [markdown]
# ## Fit
#
# People are split, not rows: nobody is on both sides, so a test shows how well the model serves
# people whom it has not met. `reference` is the community that steering starts from. `adaptive`
# lets held-out people decide how far each community moves away from it.
#
# `encoder="hash"` counts words and needs no download. For texts as people write them, install
# `pluralign[embed]` and leave the argument out: the sentence encoder MiniLM is the default.

# %%
train, test = pluralign.split(pairs, by="rater")
steered = ["~hill", "~coast", "~river"]
model = pluralign.fit(train, "adaptive", reference="~world", communities=steered, encoder="hash")

# %% [markdown]
# ## Measure
#
# Accuracy is the share of pairs that the model ranks as the people did; 50 % is a coin. Every
# number has its 95 % interval and the people behind it. `gain` is the difference to the reference.

# %%
evaluation = pluralign.evaluate(model, test.of(*steered))
print(evaluation)

# %% [markdown]
# ## Score
#
# A model scores responses for one community, or for shares of several. The numbers are in logits:
# only differences between responses to one prompt have a meaning. Here both communities get the
# same two responses.

# %%
prompt = "My neighbour is loud at night. What should I do?"
plain = (prompt, "Tell them openly and without any detour.")
gentle = (prompt, "You might let the matter come up indirectly.")
for steer in ("~hill", "~river", {"~hill": 0.5, "~river": 0.5}):
    first, second = model.score([plain, gentle], steer)
    preferred = "plain" if first > second else "gentle"
    print(f"{steer}: {preferred}, by {abs(first - second):.2f} logits")

# %% [markdown]
# ## Keep it
#
# The folder has the weights and a card that names the people behind them. `pluralign score`,
# `pluralign serve` and `open_model` read it.

# %%
pluralign.save_model(model, "steered")
again = pluralign.open_model("steered")
print(again.communities)

# %% [markdown]
# ## Who gains?
#
# The point is the accuracy for each community with its interval, the orange tick that of the
# reference.

# %%
chart = evaluation.plot().properties(title="Accuracy of the steered model for unseen people")
chart.save("accuracy.svg")
chart

# %% [markdown]
# The reference serves `~hill` worse than a coin would: most of the people behind it prefer the
# opposite. Steering helps, and the interval of the gain does not contain 0. For `~coast` and
# `~river` it does: with so few test people, their gain may be chance. More people make intervals
# narrower.
#
# Next: [audit such a model and report it](audit_and_report.md). [Sources](../sources.md) lists the
# formats that `read_pairs` understands, and [Methods](../methods.md) what `adaptive` does.
