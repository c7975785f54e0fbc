"""The optional cross-encoder, with a real one: tiny, untrained, and so of an order of its own."""

import re
from pathlib import Path

import numpy as np
import pytest

from molsys_chat_rag.embedding.models import find_model
from molsys_chat_rag.errors import EmbeddingError
from molsys_chat_rag.index import Index
from molsys_chat_rag.search.reranking import CrossEncoderReranker

QUESTION = "How do I select atoms by name?"


def write_cross_encoder(folder: Path, labels: int = 1) -> Path:
    """Write a BERT of one small layer with a head of its own, and the default model's tokenizer."""
    import torch
    from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification

    torch.manual_seed(1)
    tokenizer = AutoTokenizer.from_pretrained(find_model().folder)
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=64,
        num_labels=labels,
        initializer_range=0.5,
    )
    BertForSequenceClassification(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def reranker(tmp_path_factory: pytest.TempPathFactory) -> CrossEncoderReranker:
    return CrossEncoderReranker(str(write_cross_encoder(tmp_path_factory.mktemp("cross"))))


def test_scores_depend_on_question_and_text(reranker) -> None:
    scores = reranker.scores(QUESTION, ["One text.", "Another one, about atoms.", "One text."])
    assert scores.shape == (3,)
    assert scores.dtype == np.float32
    assert scores[0] == pytest.approx(scores[2], abs=1e-5)
    assert scores[0] != pytest.approx(scores[1], abs=1e-4)
    assert reranker.scores("Something else?", ["One text."])[0] != pytest.approx(
        scores[0], abs=1e-4
    )


def test_first_sections_come_in_its_order(built_index, reranker) -> None:
    plain, again = Index.open(built_index), Index.open(built_index, reranker=reranker)
    before, after = plain.search(QUESTION, k=30), again.search(QUESTION, k=30)
    assert {hit.section.address for hit in before.hits} == {h.section.address for h in after.hits}
    assert [hit.section.address for hit in before.hits] != [h.section.address for h in after.hits]
    assert [hit.score for hit in after.hits] == sorted((h.score for h in before.hits), reverse=True)
    assert after.confidence == before.confidence
    plain.close()
    again.close()


def test_unloadable_model_is_named(tmp_path) -> None:
    with pytest.raises(EmbeddingError, match=re.escape(f"{str(tmp_path)!r} cannot be loaded")):
        CrossEncoderReranker(str(tmp_path))


def test_model_that_does_not_rank(tmp_path) -> None:
    folder = write_cross_encoder(tmp_path / "classes", labels=3)
    with pytest.raises(EmbeddingError, match="gives 3 scores a pair"):
        CrossEncoderReranker(str(folder))
