"""Several adapters beside one model: blends and mixtures against their definitions."""

import itertools
import json
import shutil

import pytest

from pluralign.core import InvalidInput, Sampling

torch = pytest.importorskip("torch")
peft = pytest.importorskip("peft")
SHARES = {"MEX": 0.6, "GBR/wales": 0.3}


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    from tests.respondents.conftest import build_chat_model

    return build_chat_model(tmp_path_factory.mktemp("base") / "tiny")


@pytest.fixture(scope="module")
def adapters(base, tmp_path_factory):
    """Two adapters of different rank and scale, with weights by chance."""
    from transformers import AutoModelForCausalLM

    folder = tmp_path_factory.mktemp("adapters")
    for seed, (name, rank, alpha) in enumerate((("MEX", 2, 8), ("GBR", 3, 3))):
        torch.manual_seed(seed)
        model = AutoModelForCausalLM.from_pretrained(base)
        config = peft.LoraConfig(r=rank, lora_alpha=alpha, target_modules="all-linear")
        adapted = peft.get_peft_model(model, config)
        for parameter_name, parameter in adapted.named_parameters():
            if "lora_B" in parameter_name:
                parameter.data.normal_(std=0.3)
        adapted.save_pretrained(folder / name)
    return {"MEX": folder / "MEX", "GBR/wales": folder / "GBR"}


def _loaded(base):
    from pluralign.respondents.local.loading import load

    return load(str(base), device="cpu")


@pytest.fixture(scope="module")
def adapted(base, adapters):
    from pluralign.respondents.local import AdaptedModel

    return AdaptedModel(_loaded(base), adapters, kept=2)


def _logits(adapted, name, ids=((5, 9, 40, 7),)):
    ids = torch.tensor(ids)
    return adapted.forward([name] * len(ids), input_ids=ids).logits


def _by_hand(base, adapters, shares, ids=((5, 9, 40, 7),)):
    """Logits of the model whose weights are the start's and shares of each merged difference."""
    from transformers import AutoModelForCausalLM

    start = AutoModelForCausalLM.from_pretrained(base).eval()
    weights = {name: value.clone() for name, value in start.state_dict().items()}
    for community, share in shares.items():
        model = AutoModelForCausalLM.from_pretrained(base)
        merged = peft.PeftModel.from_pretrained(model, adapters[community]).merge_and_unload()
        for name, value in merged.state_dict().items():
            weights[name] += share * (value - start.state_dict()[name])
    start.load_state_dict(weights)
    with torch.inference_mode():
        return start(input_ids=torch.tensor(ids)).logits


def test_a_blend_in_memory_equals_merging_by_hand(base, adapters, adapted):
    with adapted.blend(SHARES) as name:
        found = _logits(adapted, name)
    wanted = _by_hand(base, adapters, SHARES)
    torch.testing.assert_close(found, wanted, atol=1e-4, rtol=1e-4)
    assert (found - _by_hand(base, adapters, {})).abs().max() > 0.1


def test_a_whole_share_is_the_community_itself_and_no_share_is_the_start(base, adapters, adapted):
    with adapted.blend({"MEX": 1.0, "GBR/wales": 0.0}) as name:
        assert torch.equal(_logits(adapted, name), _logits(adapted, adapted.named("MEX")))
    with adapted.blend({}) as name:
        torch.testing.assert_close(_logits(adapted, name), _by_hand(base, adapters, {}))


def test_rows_of_one_batch_have_adapters_of_their_own(base, adapters, adapted):
    names = [adapted.named(c) for c in ("GBR/wales", None, "MEX")]
    ids = torch.tensor([[5, 9, 40, 7]] * 3)
    found = adapted.forward(names, input_ids=ids).logits
    for row, shares in enumerate(({"GBR/wales": 1}, {}, {"MEX": 1})):
        wanted = _by_hand(base, adapters, shares)[0]
        torch.testing.assert_close(found[row], wanted, atol=1e-4, rtol=1e-4)


def test_adapters_are_read_and_blended_without_warnings_of_other_libraries(base, adapters, recwarn):
    from pluralign.respondents.local import AdaptedModel

    loaded = _loaded(base)
    recwarn.clear()
    adapted = AdaptedModel(loaded, adapters)
    with adapted.blend({"MEX": 0.3, "GBR/wales": 0.7}):
        assert [str(one.message) for one in recwarn] == []


def test_old_blends_are_forgotten_unless_an_answer_still_uses_them(adapted):
    with adapted.blend({"MEX": 0.11}) as used:
        before = _logits(adapted, used)
        for share in (0.2, 0.3, 0.4, 0.5):
            with adapted.blend({"MEX": share}) as other:
                assert not torch.equal(_logits(adapted, other), before)
        assert torch.equal(_logits(adapted, used), before)
    assert len(adapted._blends) == 2
    assert len([n for n in adapted._model.peft_config if n.startswith("blend")]) == 2


def test_an_adapter_of_another_model_is_refused_with_both_names(base, adapters, tmp_path):
    from pluralign.respondents.local import AdaptedModel

    other = tmp_path / "other"
    shutil.copytree(adapters["MEX"], other)
    config = json.loads((other / "adapter_config.json").read_text())
    for change, message in (
        ({"base_model_name_or_path": "org/other-8b"}, "trained on org/other-8b, not on tiny"),
        ({"use_dora": True}, "use_dora cannot be blended"),
    ):
        (other / "adapter_config.json").write_text(json.dumps(config | change))
        with pytest.raises(InvalidInput, match=message):
            AdaptedModel(_loaded(base), {"MEX": other})
    with pytest.raises(InvalidInput, match="has no adapter"):
        AdaptedModel(_loaded(base), {"MEX": tmp_path})


def _mixtures(adapted):
    from pluralign.respondents.local import AdapterMixture

    alone = AdapterMixture((adapted.named("MEX"),))
    both = (adapted.named("MEX"), adapted.named("GBR/wales"))
    return alone, AdapterMixture(both, (0.25, 0.75)), AdapterMixture(both, (1.0, 0.0))


PROMPTS = [[5, 9, 40, 7], [11, 12], [30, 31, 32, 33, 34, 35]]


def test_a_step_draws_from_the_mixture_of_probabilities(base, adapters, adapted):
    """Many draws of one token against the two models' own probabilities."""
    from pluralign.respondents.local import write

    both = _mixtures(adapted)[1]
    own = [_by_hand(base, adapters, {c: 1.0})[0, -1].softmax(-1) for c in adapters]
    wanted = 0.25 * own[0] + 0.75 * own[1]
    draws = 4000
    (found,) = write(
        adapted, [PROMPTS[0]], [both], Sampling(1.0, 1.0, 1, 3), n=draws, batch_tokens=10**9
    )
    texts = [one.text for one in found]
    tokenizer = adapted.loaded.tokenizer
    for token in wanted.topk(5).indices.tolist():
        text = tokenizer.decode([token], skip_special_tokens=True).strip()
        same = [
            i
            for i in range(len(tokenizer))
            if tokenizer.decode([i], skip_special_tokens=True).strip() == text
        ]
        chance = float(wanted[[i for i in same if i < len(wanted)]].sum())
        spread = (chance * (1 - chance) / draws) ** 0.5
        assert abs(texts.count(text) / draws - chance) < 5 * spread


def test_a_mixture_of_one_or_with_a_whole_share_is_that_community(adapted):
    from pluralign.respondents.local import write

    alone, _, whole = _mixtures(adapted)
    how = Sampling(1.0, 0.9, 12, 5)
    wanted = write(adapted, PROMPTS, [alone] * 3, how, n=2)
    assert write(adapted, PROMPTS, [whole] * 3, how, n=2) == wanted
    assert len({one.text for own in wanted for one in own}) > 3


def test_answers_do_not_depend_on_the_prompts_that_share_a_batch(adapted):
    from pluralign.respondents.local import write

    both, how = _mixtures(adapted)[1], Sampling(1.0, 1.0, 10, 5)
    together = write(adapted, PROMPTS, [both] * 3, how, n=2)
    alone = [write(adapted, [prompt], [both], how, n=2)[0] for prompt in PROMPTS]
    assert together == alone


def test_prompts_of_the_same_words_have_draws_of_their_own_by_their_keys(adapted):
    from pluralign.respondents.local import write

    both, how = _mixtures(adapted)[1], Sampling(1.0, 1.0, 12, 5)
    same = [PROMPTS[0]] * 3
    found = write(adapted, same, [both] * 3, how, keys=["a", "b", "a"])
    assert found[0] == found[2] != found[1]


def test_greedy_words_equal_those_of_generate(base, adapters, adapted):
    from pluralign.respondents.local import load_chat_model, write
    from pluralign.respondents.local.generation import generated

    merged = load_chat_model(str(base), adapter=adapters["MEX"], device="cpu")
    how = Sampling(0.0, 1.0, 16)
    wanted = [one.text for one in generated(merged.loaded, PROMPTS, how, 1)]
    found = write(adapted, PROMPTS, [_mixtures(adapted)[0]] * 3, how)
    assert [one.text for (one,) in found] == wanted


@pytest.mark.slow
def test_the_pieces_of_an_answer_make_the_whole_answer_and_stop_before_a_stop_text(adapted):
    from pluralign.respondents.local import WrittenAnswer, write, write_pieces

    both = _mixtures(adapted)[1]
    for seed in range(3):
        how = Sampling(1.0, 1.0, 24, seed)
        *pieces, whole = write_pieces(adapted, PROMPTS[0], both, how)
        assert isinstance(whole, WrittenAnswer)
        assert "".join(pieces) == whole.text
        assert [[whole]] == write(adapted, [PROMPTS[0]], [both], how)
        stop = whole.text[2:4]
        if not stop.strip() or len(stop) < 2:
            continue
        *pieces, cut = write_pieces(adapted, PROMPTS[0], both, how, (stop,))
        assert "".join(pieces) == cut.text == whole.text[: whole.text.find(stop)].rstrip()
        assert cut.finish_reason == "stop"
        assert cut.tokens <= whole.tokens


def test_log_probabilities_of_a_mixture_are_those_of_its_definition(base, adapters, adapted):
    from pluralign.respondents.local import mixture_log_probs

    both = _mixtures(adapted)[1]
    answers = [[7, 8, 9], [20], [4, 4]]
    warm = 1.3
    found = mixture_log_probs(adapted, PROMPTS, answers, [both] * 3, temperature=warm)
    for value, prompt, answer in zip(found, PROMPTS, answers, strict=True):
        ids = (tuple(prompt + answer),)
        own = [_by_hand(base, adapters, {c: 1.0}, ids)[0].softmax(-1) for c in adapters]
        mixed = (0.25 * own[0] + 0.75 * own[1])[len(prompt) - 1 : -1] ** (1 / warm)
        mixed = mixed / mixed.sum(-1, keepdim=True)
        wanted = sum(mixed[i, token].log() for i, token in enumerate(answer))
        assert value == pytest.approx(float(wanted), abs=1e-3)


@pytest.mark.slow
def test_threads_that_answer_as_different_communities_do_not_disturb_each_other(adapted):
    from concurrent.futures import ThreadPoolExecutor

    from pluralign.respondents.local import AdapterMixture, write_pieces

    def answer(number):
        share = 0.1 * (1 + number % 4)
        with adapted.blend({"MEX": share, "GBR/wales": 1 - share}) as name:
            *_, whole = write_pieces(
                adapted, PROMPTS[0], AdapterMixture((name,)), Sampling(0, 1, 12)
            )
        return whole

    alone = [answer(number) for number in range(4)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(answer, range(12)))
    assert together == list(itertools.islice(itertools.cycle(alone), 12))
