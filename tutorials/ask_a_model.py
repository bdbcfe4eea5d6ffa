# %% [markdown]
# # Ask a model as a survey asks people
#
# A survey has asked people of several communities the same closed questions. This tutorial asks a
# language model the same questions, with and without the name of a community, and measures how
# close its answers come to those of the people.
#
# The model here is simulated, so that the tutorial runs everywhere in seconds, and so that we know
# what it should find. The last section has the lines for a real model. The picture needs `pip
# install 'pluralign[report]'`.
#
# ## A survey
#
# `SocietySurvey` has 40 questions that 200 simulated people of each of five communities answered.
# Real surveys come from files: [Surveys](../surveys.md) has the World Values Survey and others.

# %%
from pluralign.simulation import SocietySurvey

survey = SocietySurvey(questions=40).survey()
print(survey)

question = survey.questions["q0000"]
print(question.text)
for community in ("~hill", "~river"):
    shares = survey.distribution(question.id, community).probs_O
    print(community, {o: f"{share:.0%}" for o, share in zip(question.options, shares, strict=True)})

# %% [markdown]
# ## A prompt
#
# A strategy is the way in which a question is put. `culture_unaware` asks the question alone,
# `culture_aware` names the community. This is the second one:

# %%
from pluralign.asking import load_strategy, put

ask = put(load_strategy("culture_aware"), survey, ["~hill"])[0]
for message in ask.conversation:
    print(f"[{message.role}]", message.content)

# %% [markdown]
# ## Ask
#
# `run_survey` puts every question under both strategies, records each answer as soon as it arrives,
# reads the answers, and measures them. If it is stopped, the same call resumes it.
#
# This simulated model was made with a fault that real ones have as well: half of what it "knows" of
# every community is the answers of `~river`.

# %%
import pluralign
from pluralign.surveying import run_survey

settings = {
    "communities": ["~coast", "~hill", "~isle", "~river"],
    "survey": {"source": "society_survey", "questions": 40},
    "model": {"kind": "simulated", "knowledge": 0.5, "default_culture": "~river"},
}
run_survey(settings, "survey")
run = pluralign.open_run("survey")

# %% [markdown]
# ## Measure
#
# The cultural alignment score is 100 where the model gives the most common answer of the people to
# every question, and falls with the distance between the two answers. Baselines show what is needed
# to be better than nothing: random answers, and the common answer of the other communities.
# Intervals are over questions.

# %%
scores = [row for row in run.results if row.metric == "cultural_alignment_score"]
for row in scores:
    if row.community is None:
        how = row.strategy or "baseline"
        print(f"{row.model:22} {how:16} {row.value:5.1f} [{row.low:.1f}, {row.high:.1f}]")

# %% [markdown]
# The average hides whom the model serves. The same score for each community:

# %%
import altair

own = [row for row in scores if row.model == "simulated" and row.community is not None]
rows = [
    {"asked": row.strategy, "community": row.community}
    | {"score": round(row.value, 1), "low": row.low, "high": row.high}
    for row in own
]
base = altair.Chart(altair.Data(values=rows)).encode(
    y=altair.Y("community:N", title=None),
    yOffset="asked:N",
    color=altair.Color("asked:N", title=None, legend=altair.Legend(orient="bottom")),
)
points = base.mark_point(filled=True, size=70).encode(
    x=altair.X("score:Q", title="cultural alignment score", scale=altair.Scale(domain=[0, 100]))
)
intervals = base.mark_rule().encode(x="low:Q", x2="high:Q")
chart = (intervals + points).properties(
    title="How close the model's answers come to those of each people",
    width=600,
    height=altair.Step(20),
)
chart.save("scores.svg")
chart

# %% [markdown]
# Without a name, the model answers as people of `~river` do: that is its default culture. Naming
# the community helps `~hill` and `~isle`, and leaves them behind `~river` all the same. A better
# prompt cannot give a model knowledge that it lacks.
#
# ## A real model
#
# Any server with the protocol of OpenAI works, with `pip install 'pluralign[ask]'`. Only the table
# `model` changes:
#
# ```python
# {"kind": "endpoint", "name": "llama-3", "base_url": "http://127.0.0.1:8000/v1"}
# ```
#
# `{"kind": "local", "name": "models/mine"}` is a Transformers model on this machine. On the command
# line it is `pluralign survey run`; [Surveys](../surveys.md) has all strategies and metrics.
#
# Next: [audit and report](audit_and_report.md) turns such numbers into findings and a page.
