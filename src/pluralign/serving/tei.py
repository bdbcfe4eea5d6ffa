"""The endpoint ``/predict`` of text-embeddings-inference."""

from fastapi import APIRouter, Request
from pydantic import BaseModel, StrictBool
from scipy.special import expit
from starlette.responses import Response

from pluralign.core import InvalidInput, RewardRequest
from pluralign.serving.bodies import answer, documented, read
from pluralign.serving.conversations import answered
from pluralign.serving.foreign_fields import TEI, Compatible
from pluralign.serving.model_names import steer_named
from pluralign.serving.server import service_of
from pluralign.serving.transcripts import read_pair, read_transcript
from pluralign.serving.vllm import LABEL

router = APIRouter(tags=["text-embeddings-inference"])


class Predict(Compatible):
    """Texts, or pairs of a prompt and a response.

    A text, or a list with one text, is one text; a flat list of two texts is one pair; a list of
    lists is a batch of these.
    """

    _ignored = TEI

    inputs: str | tuple[str, ...] | tuple[tuple[str, ...], ...]
    raw_scores: StrictBool = False
    """Whether rewards are in logits; otherwise they are mapped to [0, 1]."""
    model: str | None = None
    """Our own field for ``name@MEX``; clients that cannot add it use ``/steered/MEX/predict``."""

    @property
    def single(self) -> bool:
        """Whether one text or pair was sent, so that its answer is not in a list."""
        return isinstance(self.inputs, str) or (
            len(self.inputs) > 0 and isinstance(self.inputs[0], str)
        )

    def requests(self) -> list[RewardRequest]:
        """Return the requests to score.

        Raises:
            InvalidInput: If there is no text, or a pair has more than two texts.
        """
        if not self.inputs and not isinstance(self.inputs, str):
            raise InvalidInput("inputs is empty", hint="give at least one text")
        return [_request(sequence) for sequence in _sequences(self.inputs)]


class Predicted(BaseModel):
    """The reward of one text or pair."""

    score: float
    label: str


BODIES = [Predict]


@router.post(
    "/predict",
    **documented(
        Predict, list[Predicted] | list[list[Predicted]], "Rewards in the format of TEI's /predict"
    ),
)
async def predict(request: Request) -> Response:
    """Rewards of texts, or of pairs of a prompt and a response."""
    service = service_of(request)
    body, requests = await read(request, Predict, Predict.requests)
    requests = answered(await service.scorable(requests))
    steer = steer_named(service, body.model, request.path_params.get("steer"))
    reward_N_S = await service.rewards_each(request, requests, [(steer,)] * len(requests))
    score_N = reward_N_S[:, 0] if body.raw_scores else expit(reward_N_S[:, 0])
    told = [[{"score": score, "label": LABEL}] for score in score_N.tolist()]
    return answer(told[0] if body.single else told)


def _sequences(
    inputs: str | tuple[str, ...] | tuple[tuple[str, ...], ...],
) -> list[tuple[str, ...]]:
    """A single text, or a pair of texts."""
    if isinstance(inputs, str):
        return [(inputs,)]
    flat = tuple(text for text in inputs if isinstance(text, str))
    return [flat] if flat else [sequence for sequence in inputs if isinstance(sequence, tuple)]


def _request(sequence: tuple[str, ...]) -> RewardRequest:
    match sequence:
        case (text,):
            return read_transcript(text)
        case (prompt, response):
            return read_pair(prompt, response)
    raise InvalidInput(
        f"{len(sequence)} texts are in one sequence",
        hint="one text is a response, two texts are a prompt and a response",
    )
