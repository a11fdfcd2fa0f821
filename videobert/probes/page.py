"""The findings about a model as one HTML file that loads nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from tokenization.codebook_page import script_json
from videobert.probes.attention import Attention
from videobert.probes.distance import Placement
from videobert.probes.importance import Importance
from videobert.probes.isotropy import Isotropy
from videobert.probes.labels import LabelProbe
from videobert.probes.order import Movement
from videobert.probes.report import ModelReport
from videobert.probes.tree import TreeProbe
from videobert.probes.tuning import Likeness
from workfolder.files import write_whole

TEMPLATE = "model_page.html"
Block = dict[str, Any]


def write_model_page(report: ModelReport, path: Path) -> None:
    """Write the page of a report, whole or not at all."""
    data = {
        "model": report.model,
        "work": report.work,
        "rows": report.rows,
        "sections": [_section(name, finding) for name, finding in report.findings.items()],
        "left_out": [[TITLES[name], reason] for name, reason in report.left_out.items()],
    }
    before, after = (files("videobert") / "probes" / TEMPLATE).read_text("utf-8").split("__DATA__")
    with write_whole(path) as part, part.open("w", encoding="utf-8") as file:
        file.writelines([before, script_json(data), after])


def _section(name: str, finding: Any) -> Block:
    return {
        "title": TITLES[name],
        "says": str(finding),
        "how": HOW[name],
        "blocks": BLOCKS[name](finding),
    }


def _lines(caption: str, axis: str, at: Sequence[float], series: dict[str, Any]) -> Block:
    """Make a chart; a series that is None is left out."""
    there = {name: values for name, values in series.items() if values is not None}
    return {"kind": "lines", "caption": caption, "axis": axis, "at": list(at), "series": there}


def _by_layer(caption: str, series: dict[str, Any]) -> Block:
    count = max(len(values) for values in series.values() if values is not None)
    return _lines(caption, "layer", range(count), series)


def _grid(caption: str, rows: str, columns: str, values: list[list[float]], **more: Any) -> Block:
    names = {"rows": rows, "columns": columns, "values": values}
    return {"kind": "grid", "caption": caption, **names, "notes": None, "first": 0, **more}


def _table(header: list[str], rows: list[list[str]]) -> Block:
    return {"kind": "table", "header": header, "rows": rows}


def _isotropy(found: Isotropy) -> list[Block]:
    text, video = found.text, found.video
    return [
        _by_layer(
            "mean cosine of two different words: the cone",
            {"text": text.cone, "video": video.cone, "text and video": found.between},
        ),
        _by_layer("distance of text's mean direction from video's", {"gap": found.gap}),
        _by_layer(
            "mean cosine of a word with itself elsewhere, less the cone",
            {"text": text.self_similarity, "video": video.self_similarity},
        ),
        _by_layer(
            "share of a word's states that one vector explains, less chance",
            {"text": text.explained, "video": video.explained},
        ),
        _table(
            ["", "different words", "once only, left out of the last two"],
            [
                [name, f"{part.words:,}", f"{part.once:,}"]
                for name, part in (("text", text), ("video", video))
            ],
        ),
    ]


def _distance(found: Placement) -> list[Block]:
    series = {f"layer {layer}": values for layer, values in enumerate(found.cosine)}
    pairs = [f"{count:,}" for count in found.pairs]
    return [
        _lines("mean cosine of one visual word in two rows", "places apart", found.apart, series),
        _table(["places apart", *map(str, found.apart)], [["pairs", *pairs]]),
    ]


def _labels(found: LabelProbe) -> list[Block]:
    layers = len(found.right)
    return [
        _by_layer(
            f"share of clips right, {found.labels} labels, videos held out",
            {
                "labels": found.right,
                "worst of three splits": found.worst,
                "labels by chance": found.control,
                "commonest": [found.commonest] * layers,
            },
        ),
        _by_layer("selectivity: labels less labels by chance", {"": found.selectivity}),
    ]


def _tree(found: TreeProbe) -> list[Block]:
    caption = f"share of the best order of distances, {found.words} visual words"
    return [_by_layer(caption, {"the tree": found.found, "words swapped": found.control})]


def _attention(found: Attention) -> list[Block]:
    shares = ("diagonal", "vertical", "own", "to_video", "to_text")
    names = ("near", "signs", "own part", "words to clips", "clips to words")
    every = [("even", found.even)] + [
        (f"{layer + 1}.{number}", head)
        for layer, heads in enumerate(found.heads)
        for number, head in enumerate(heads)
    ]
    rows = [
        [name, *(f"{getattr(head, share):.2f}" for share in shares), head.kind]
        for name, head in every
    ]
    blocks = [
        _grid(
            f"{name}: share of attention",
            "layer",
            "head",
            [[getattr(head, share) for head in heads] for heads in found.heads],
            first=1,
            notes=[[head.kind for head in heads] for heads in found.heads],
        )
        for name, share in zip(names, shares, strict=True)
    ]
    apart = [
        _grid(f"layer {layer + 1}: how far its heads are apart, in bits", "head", "head", values)
        for layer, values in enumerate(found.apart)
    ]
    table = _table(["layer.head", *names, "kind"], rows)
    return [*blocks, *apart, {"kind": "folded", "title": "all heads", "block": table}]


def _importance(found: Importance) -> list[Block]:
    caption = "importance of each head; the squares of a layer sum to 1"
    return [_grid(caption, "layer", "head", found.heads, first=1)]


def _order(found: Movement) -> list[Block]:
    rows = [
        [change.name, change.asked, f"{change.moved:.3f}", f"{change.alignment:.3f}"]
        for change in found.changes
    ]
    header = ["change", "asked about", "answer moves", "alignment moves"]
    return [_table(header, rows)]


def _tuning(found: Likeness) -> list[Block]:
    return [_by_layer("likeness", {"CKA": found.cka, "cosine": found.cosine})]


TITLES = {
    "isotropy": "How narrow the cone is",
    "distance": "The same word elsewhere in the row",
    "labels": "What can be read from a layer",
    "tree": "The codebook's tree",
    "attention": "What each head looks at",
    "importance": "Which heads matter",
    "order": "Shuffled clips, negated sentences",
    "tuning": "What tuning changed",
}
HOW = {
    "isotropy": "A cosine near 0 means that states use all directions; near 1, that they all point "
    "the same way. A word's likeness to itself counts only as far as it exceeds that. Layer 0 is "
    "what goes into the first layer.",
    "distance": "Pairs of one visual word in two rows, by how far apart their places are.",
    "labels": "Logistic regression on the state of each clip, measured on videos that it did not "
    "see. The control gives each visual word a label by chance: what it reaches is memory.",
    "tree": "A matrix turns states so that their distances are those in the codebook's tree. It is "
    "fitted on half of the visual words and measured on the others. 1: the order of all distances "
    "is right; 0: chance.",
    "attention": "Shares of the attention of words and clips, over rows with both. Near: the place "
    "itself and its neighbours. Signs: [CLS], [>], [SEP]. A head is named by what it has beyond "
    "even attention.",
    "importance": "How much the loss of filling masks changes with a gate on what the head says.",
    "order": "Total variation of the answer at a hidden place, 0 to 1, and of the probability that "
    "sentence and clips belong together. Each change stands beside one to compare it with.",
    "tuning": "Linear CKA and mean cosine of both models' states of the same words and clips. "
    "1 is equal.",
}
BLOCKS: dict[str, Callable[[Any], list[Block]]] = {
    "isotropy": _isotropy,
    "distance": _distance,
    "labels": _labels,
    "tree": _tree,
    "attention": _attention,
    "importance": _importance,
    "order": _order,
    "tuning": _tuning,
}
