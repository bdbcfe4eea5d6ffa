# %% [markdown]
# # Audit and report
#
# A good average can hide that a model harms somebody. This tutorial runs an experiment, audits it
# for cultural risks, looks at the evidence of one finding, and writes a page that people without
# Python can read. It needs `pip install 'pluralign[report]'`.
#
# ## An experiment
#
# `run_experiment` takes a settings file, or its tables, and writes a folder with every number,
# model and prediction. The people are simulated here; `{"source": "jsonl", "path": "pairs.jsonl"}`
# reads yours.

# %%
import pluralign

settings = {
    "name": "society",
    "pairs": {"source": "society"},
    "reference": {"fit_on": ["~world"]},
    "trunk": {"encoder": "hash"},
    "methods": ["reference", "adaptive"],
}
pluralign.run_experiment(settings, "society")
run = pluralign.open_run("society")
for row in run.summary:
    if (row.aggregate, row.subset) == ("average", "all"):
        print(f"{row.method:10} {row.value:.1%} [{row.low:.1%}, {row.high:.1%}]")

# %% [markdown]
# ## The audit
#
# An audit reads what the run recorded and never asks a model, so anybody can repeat it. Each check
# ends in one of three ways: it found something, it is clear, or it was not assessed because
# evidence is missing. "Not assessed" is not "no risk".

# %%
from collections import Counter

from pluralign.auditing import run_audit

run_audit("society")
audit = pluralign.open_run("society/audit")
print(Counter(check.status for check in audit.assessments))
for finding in audit.findings[:5]:
    print(f"{finding.severity}: {finding.claim}")

# %% [markdown]
# ## One finding
#
# A finding is a claim that can be checked: its numbers with intervals and people, a likely cause,
# and what to do. This one is right: the simulated people of `~coast` were given a weakness for long
# responses, and the model exaggerates it.

# %%
finding = next(one for one in audit.findings if one.check == "length")
print(finding.claim)
for name, number in finding.numbers.items():
    print(f"  {name}: {number}")
print("cause:", finding.causes)
print("remedy:", finding.remedies)

# %% [markdown]
# The checks of two audits that were not assessed, and the evidence that they need:

# %%
for check in audit.assessments:
    if check.audit in ("participation", "privacy") and check.status == "not assessed":
        print(f"{check.asks}\n  {check.reasons[0]}")

# %% [markdown]
# ## The report
#
# One HTML file that needs no network, in English, Spanish, Arabic or Hindi. It begins with what to
# do next, has every chart and table, and the findings.

# %%
from pluralign.reports import write_report

(page,) = write_report(["society", "society/audit"], "report.html")
print(page, f"{page.stat().st_size / 1e6:.1f} MB")

# %% [markdown]
# ![The first screen of a report: advice with numbers and intervals](../images/report.png)
#
# ## Who pays for steering?
#
# A chart of the report: each row is a model that is steered to one community, each column the
# people on whom it is measured. Blue cells gain against the reference, orange ones lose.

# %%
chart = run.plot.matrix().properties(title="What each steer changes for each community, in points")
chart.save("matrix.svg")
chart

# %% [markdown]
# Steering to `~hill` helps `~hill`, and makes the model worse for everybody else: their tastes are
# opposite, so no single model serves both. That is a reason to steer each request to its own
# people, as `pluralign serve` does, and not to publish one average model. Cells have no room for
# intervals: `run.matrix()` has them, with the number of people behind each.
#
# On the command line the same is `pluralign run`, `pluralign audit` and `pluralign report`.
# [Audits](../audits.md) describes every check, and how reliably it finds a planted fault;
# [Reports](../reports.md) the page.
