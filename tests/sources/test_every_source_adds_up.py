"""Every registered source, on a small file of its layout with a usable and an unusable row."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from pluralign.core import list_folder
from pluralign.settings import SOURCES, built, names, source_named
from pluralign.sources import report_on

ARENA = {
    "conversation_a": [{"role": "user", "content": "Tea?"}, {"role": "assistant", "content": "Yes"}]
}
ARENA["conversation_b"] = [
    {"role": "user", "content": "Tea?"},
    {"role": "assistant", "content": "No"},
]
TASK = {"prompt": "Tea?", "text1": "Yes", "text2": "No"}
QUESTIONS = [{"Q_id": "Q1", "question": "Tea?", "option_lst": ["Yes", "No"]}]


def pairwise(side: str) -> dict[str, Any]:
    return {"completed_by": 1, "result": [{"type": "pairwise", "value": {"selected": side}}]}


def region(*answers: str) -> list[dict[str, Any]]:
    """Questions of BLEnD: the same for all regions, with the answer of two people to each."""
    return [
        {"id": f"q{k}", "question": "What to eat in UK?", "en_question": "What to eat in UK?",
         "annotations": [{"answers": [answer], "en_answers": [answer], "count": 2}],
         "idks": {}}
        for k, answer in enumerate(answers)
    ]  # fmt: skip


def answered(*values: str) -> dict[str, Any]:
    responses = [
        {"value": value, "user_id": str(k), "status": "submitted"} for k, value in enumerate(values)
    ]
    return {
        "fields": {"prompt": "Tea?", "response1": "Yes", "response2": "No"},
        "responses": {"preference": responses},
    }


def ranked(*rankings: str) -> dict[str, Any]:
    names_ = [
        {"response_index": n, "messages": [{"role": "assistant", "content": f"Answer {n}"}]}
        for n in "AB"
    ]
    assessments = [
        {"annotator_id": r, "ranking_blocks": {"personal": [{"ranking": r}]}} for r in rankings
    ]
    return {"prompt": "Tea?", "responses": names_, "metadata": {"assessments": assessments}}


def chosen(label: str) -> dict[str, Any]:
    return {"user_id": label, "instance_id": 1, "label_annotations": {"preference": {label: 1}}}


def released(choice: str) -> dict[str, Any]:
    return {"id": choice, "choice": choice, "repeats": None}


FILES: Mapping[str, tuple[dict[str, object], Mapping[str, object]]] = {
    "jsonl": (
        {"a.jsonl": [{"prompt": "Tea?", "chosen": "Yes", "rejected": r} for r in ("No", "Yes")]},
        {"path": "a.jsonl"},
    ),
    "ab": (
        {"a.csv": "prompt,response_a,response_b,preference\nTea?,Yes,No,A\nTea?,Yes,No,tie\n"},
        {"path": "a.csv"},
    ),
    "votes": (
        {
            "v.csv": "question_id,rater_id,thought_a,thought_b,vote\n"
            "q,p,1,2,Thought A\nq,p,1,2,I agree with both\n",
            "t.csv": "question_id,question,thought_id,thought\n"
            "q,Why?,1,Because\nq,Why?,2,No idea\n",
        },
        {"path": "v.csv", "texts": "t.csv"},
    ),
    "global_opinions": (
        {"g.jsonl": [
            {"question": q, "selections": {"Mexico": [0.6, 0.4]}, "options": options,
             "source": "GAS"}
            for q, options in (("Tea?", ["Yes", "No"]), ("Work?", ["DK", "Refused"]))
        ]},
        {"path": "g.jsonl"},
    ),
    "shares": (
        {
            "wvs/questions.json": [*QUESTIONS, {"Q_id": "Q2", "question": "Work?",
            "option_lst": ["Yes", "No"]}],
            "wvs/country_proportions.json": {"MEX": {"Q1": {"1": 0.6, "2": 0.4}}},
        },
        {"path": "wvs"},
    ),
    "wvs": (
        {"w.csv": "B_COUNTRY_ALPHA,W_WEIGHT,Q1\nMEX,1,1\nNA,1,2\n", "q.json": QUESTIONS},
        {"path": "w.csv", "questions": "q.json"},
    ),
    "prism": (
        {
            "p/survey.jsonl": [{"user_id": "u", "location": {"reside_countryISO": "MEX"}}],
            "p/utterances.jsonl": [
                {"user_id": u, "interaction_id": u, "user_prompt": "Tea?", "model_name": "m",
                 "utterance_id": f"{u}{k}"}
                | {"model_response": f"text {k}", "score": k}
                for u, k in (("u", 1), ("u", 2), ("x", 1))
            ],
        },
        {"path": "p"},
    ),
    "community_alignment": (
        {"c.jsonl": [
            {"conversation_id": c, "annotator_country": c, "annotator_id": "a",
             "first_turn_prompt": "Tea?"}
            | {f"first_turn_response_{x}": f"text {x}" for x in "abcd"}
            | {"first_turn_preferred_response": "response_b" if c == "Mexico" else None}
            for c in ("Mexico", "India")
        ]},
        {"path": "c.jsonl"},
    ),
    "society": ({}, {"each": 20, "thin": 5, "world": 20}),
    "society_survey": ({}, {"questions": 6, "people": 20}),
    "arena": ({"b.json": [ARENA | {"winner": w} for w in ("model_a", "tie")]}, {"path": "b.json"}),
    "label_studio": (
        {"l.json": [{"data": TASK, "annotations": [pairwise("left"), pairwise("neither")]}]},
        {"path": "l.json"},
    ),
    "polis": (
        {
            "o/comments.csv": "comment-id,agrees,disagrees,comment-body\n0,1,0,Buses\n1,0,1,Cars\n",
            "o/participants-votes.csv": "participant,0,1\na,1,-1\nb,,\n",
        },
        {"path": "o", "topic": "What now?"},
    ),
    "argilla": ({"r.json": [answered("response1", "both")]}, {"path": "r.json"}),
    "potato": (
        {
            "n.json": [chosen("A"), chosen("tie")],
            "i.json": [{"id": 1, "prompt": "Tea?", "text_a": "Yes", "text_b": "No"}],
        },
        {"path": "n.json", "items": "i.json"},
    ),
    "collected": (
        {
            "r/answers.jsonl": [released("left"), released("tie")],
            "r/pairs.jsonl": [
                {"id": "left", "prompt": "Tea?", "chosen": "Yes", "rejected": "No", "rater": "r1",
                 "community": "MEX", "source": "tea", "license": "CC0-1.0"}
            ],
            "r/release.json": {"purposes": ["train"]},
            "r/manifest.jsonl": None,
        },
        {"path": "r"},
    ),
    "blend": (
        {"b/UK.jsonl": region("pie", "tea"), "b/US.jsonl": region("burger", "tea")},
        {"path": "b"},
    ),
    "coval": ({"k.jsonl": [ranked("A>B", "A=B")]}, {"path": "k.jsonl"}),
    "opinion_qa": (
        {
            "f/info.csv": "key,question,option_mapping\nQ1,Tea?,\"{1.0: 'Yes', 2.0: 'No'}\"\n",
            "f/responses.csv": "Q1,WEIGHT\nYes,1\nYes,1\nNo,1\nNo,\n",
        },
        {"path": "f"},
    ),
}  # fmt: skip


def write(path: Path, content: object) -> None:
    path.parent.mkdir(exist_ok=True)
    if content is None:
        list_folder(path.parent)
    elif isinstance(content, str):
        path.write_text(content, "utf-8")
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in content), "utf-8")  # type: ignore[attr-defined]
    else:
        path.write_text(json.dumps(content), "utf-8")


@pytest.mark.parametrize("name", names(SOURCES))
def test_rows_read_are_rows_kept_and_rows_dropped(name: str, tmp_path: Path) -> None:
    files, settings = FILES[name]  # a source that is registered brings a file of its layout here
    for file, content in files.items():
        write(tmp_path / file, content)
    tally = report_on(built(source_named(name), dict(settings), tmp_path, name)).tally
    assert tally.balanced, tally
    assert tally.made > 0
    assert tally.dropped or tally.left_out or not files
