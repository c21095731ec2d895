"""The process that listens for known sentences: pocketsphinx behind two pipes.

Law of this file: it stands alone (started by its path, it imports nothing of voiced), it blocks, and
it ends when its standard input does. In: a JSON line ``{"grammar": [jsgf, [sentence, ...]],
"bytes": n}`` and n bytes of 16 kHz mono PCM16. Out: a JSON line ``{"text": ..., "score": ...}``.
"""

import json
import sys
from typing import Any, Final

import numpy as np

# Recognition of digital silence is poor (the features of nothing are extreme): measured with
# espeak-ng, 1 of 12 sentences right without a noise floor, 9 of 12 with this one.
_NOISE: Final = 20.0
# The grammar hears one of its sentences in anything. Measured over five synthetic voices: known
# sentences score above 0.5, strangers mostly below; long ones lose 0.01 per word.
_LEAST_SCORE: Final = 0.52
_SCORE_PER_WORD: Final = 0.01
# Nor may it take most of what was said for silence: words cover 95 % of what is audible if they are
# the right ones, 20-40 % if only the beginning fitted.
_LEAST_COVER: Final = 0.7
_AUDIBLE: Final = 0.05  # of the loudest frame
_FRAME_SAMPLES: Final = 160  # the recogniser counts in frames of 10 ms
_LEAST_SAMPLES: Final = 1_600  # 0.1 s: of nothing the recogniser makes an error
_PUBLIC: Final = "public <sentence> = "


def main() -> None:
    """Serve until standard input ends."""
    from pocketsphinx import Decoder  # noqa: PLC0415  what imports this module need not have it

    # Without a lattice search the answer comes ten times sooner, with the same accuracy here.
    engine = Decoder(lm=None, loglevel="FATAL", cmn="batch", bestpath=False)
    active = ""
    while head := sys.stdin.buffer.readline():
        request = json.loads(head)
        pcm = sys.stdin.buffer.read(request["bytes"])
        grammar = with_extra(engine, *request["grammar"])
        if grammar != active:
            engine.add_jsgf_string("sentences", grammar)
            engine.activate_search("sentences")
            active = grammar
        answer = listen(engine, pcm)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def with_extra(engine: Any, grammar: str, extra: list[str]) -> str:
    """Add to the grammar those sentences whose every word is in the dictionary."""
    known = [text for text in extra if all(map(engine.lookup_word, text.split()))]
    return grammar.replace(_PUBLIC, _PUBLIC + "".join(f"{text} | " for text in known), 1)


def listen(engine: Any, pcm: bytes) -> dict[str, object]:
    """Return what was most likely said, or nothing if that is too unlikely."""
    samples = np.frombuffer(pcm, dtype="<i2")
    if samples.size < _LEAST_SAMPLES:
        return {"text": "", "score": 0.0}
    noise = np.random.default_rng(0).normal(0.0, _NOISE, samples.size)
    floored = np.clip(np.rint(samples + noise), -32768, 32767).astype("<i2")
    engine.start_utt()
    engine.process_raw(floored.tobytes(), full_utt=True)
    engine.end_utt()
    best = engine.hyp()
    if best is None or not best.hypstr:
        return {"text": "", "score": 0.0}
    least = _LEAST_SCORE - _SCORE_PER_WORD * len(best.hypstr.split())
    likely = best.score >= least and cover(engine, samples) >= _LEAST_COVER
    return {"text": best.hypstr if likely else "", "score": best.score}


def cover(engine: Any, samples: np.typing.NDArray[np.int16]) -> float:
    """Return how much of what is audible was taken for words."""
    whole = samples.size // _FRAME_SAMPLES * _FRAME_SAMPLES
    frames = samples[:whole].reshape(-1, _FRAME_SAMPLES).astype(np.float64)
    loud = np.sqrt(np.mean(np.square(frames), axis=1))
    audible = loud > _AUDIBLE * loud.max(initial=0.0)
    words = np.zeros_like(audible)
    for segment in engine.seg():
        if segment.word[0] not in "<([":  # silence, nothing, noise
            words[segment.start_frame : segment.end_frame + 1] = True
    return float((audible & words).sum() / max(audible.sum(), 1))


if __name__ == "__main__":
    main()
