from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoConfig, AutoModelForPreTraining, BertConfig, BertForPreTraining

from tokenization.vocabulary import Vocabulary
from videobert.configuration_videobert import VideoBertConfig
from videobert.modeling_videobert import VideoBertForPreTraining, register_with_transformers

VOCABULARY = Vocabulary(text_size=120, visual_size=30)


@pytest.fixture(scope="module")
def bert_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bert")
    torch.manual_seed(0)
    shape = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    BertForPreTraining(BertConfig(vocab_size=VOCABULARY.text_size, **shape)).save_pretrained(folder)
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
    assert torch.allclose(expected.prediction_logits, found.prediction_logits[..., : VOCABULARY.text_size], atol=1e-5)
    assert torch.allclose(expected.seq_relationship_logits, found.alignment_logits, atol=1e-5)
    assert found.prediction_logits.shape[-1] == VOCABULARY.size


@torch.inference_mode()
def test_logits_only_where_asked_equal_all_logits_there() -> None:
    model = VideoBertForPreTraining(VideoBertConfig.of_size("tiny", VOCABULARY)).eval()
    asked = torch.rand(3, 11, generator=torch.Generator().manual_seed(2)) < 0.3
    everywhere = model(**sentences()).prediction_logits
    assert torch.allclose(model(**sentences(), predict_at=asked).prediction_logits, everywhere[asked], atol=1e-6)


def test_saved_and_loaded_it_says_the_same(tmp_path: Path) -> None:
    register_with_transformers()
    model = VideoBertForPreTraining(VideoBertConfig.of_size("tiny", VOCABULARY)).eval()
    model.save_pretrained(tmp_path)
    loaded = AutoModelForPreTraining.from_pretrained(tmp_path).eval()
    assert isinstance(loaded, VideoBertForPreTraining)
    assert AutoConfig.from_pretrained(tmp_path).vocabulary == VOCABULARY
    with torch.inference_mode():
        assert torch.equal(model(**sentences()).prediction_logits, loaded(**sentences()).prediction_logits)


@pytest.mark.parametrize("width", [20, 300])
def test_visual_rows_start_as_their_centroids_lie(width: int) -> None:
    model = VideoBertForPreTraining(VideoBertConfig.of_size("tiny", VOCABULARY))
    before = model.bert.embeddings.word_embeddings.weight.detach().clone()
    groups = np.repeat(np.eye(3, width), 10, axis=0)
    centroids = (5 + 10 * groups + 0.1 * np.random.default_rng(0).normal(size=(30, width))).astype(np.float32)
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
