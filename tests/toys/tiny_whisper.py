"""A checkpoint in Whisper's own format, small and random, that the tests make: it says made-up sentences to any sound."""

from __future__ import annotations

from pathlib import Path

WORDS = 8
"""Words it says in 30 s."""
BEGIN, WORD_WIDTH = 3, 64
"""Where its text begins: after <|startoftranscript|><|en|><|transcribe|>; numbers in a hidden state."""


def tiny_whisper(path: Path, alike: int = 1, seed: int = 0) -> Path:
    """Write it: one layer, the real vocabulary, ``alike`` how many words are as likely as the likeliest (100: it guesses).

    What it says next is decided by the place in the text: a word each, then the time of the end, then the end of text.
    """
    import torch
    import whisper
    from whisper.tokenizer import get_tokenizer

    tokenizer = get_tokenizer(multilingual=True, num_languages=99, language="en", task="transcribe")
    dims = whisper.ModelDimensions(80, 1500, WORD_WIDTH, 2, 1, 51865, 448, WORD_WIDTH, 2, 1)
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(seed)
        model = whisper.Whisper(dims)
        place = model.decoder.positional_embedding
        place.normal_(0, 5)
        choices = model.decoder.token_embedding.weight
        choices.mul_(0.01)
        plain = [
            token
            for token in range(1000, 20_000)
            if (word := tokenizer.decode([token]))[0] == " " and word[1:].isalpha()
        ]
        choices[plain] = torch.randn(len(plain), WORD_WIDTH).repeat_interleave(alike, 0)[
            : len(plain)
        ]
        last = BEGIN + WORDS
        decided = {0: tokenizer.to_language_token("en"), BEGIN - 1: tokenizer.timestamp_begin + 25,
                   last: tokenizer.timestamp_begin + 1400, last + 1: tokenizer.eot}  # fmt: skip
        for position, token in decided.items():
            choices[token] = 10 * place[position] / place[position].norm()
        model.decoder.ln.weight.fill_(3)
    torch.save({"dims": vars(dims), "model_state_dict": model.state_dict()}, path)
    return path
