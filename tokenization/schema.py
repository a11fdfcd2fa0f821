"""What this stage writes: a visual word for each clip, and the examples that a model learns from.

Times are seconds from the start of the video.
"""

from __future__ import annotations

import pyarrow as pa

SCHEMA_VERSION = 1

TOKENS = pa.schema(
    [
        ("video_id", pa.string()),
        ("index", pa.int32()),
        ("start", pa.float64()),
        ("end", pa.float64()),
        ("token", pa.int32()),
    ]
)
"""Rows of DIR/tokens/<video>.parquet.

``token`` is a visual word, 0 to branching ** depth - 1.
"""

NEAR_WORDS = pa.schema(
    [
        ("video_id", pa.string()),
        ("index", pa.int32()),
        ("start", pa.float64()),
        ("end", pa.float64()),
        ("words", pa.list_(pa.int32())),
        ("distances", pa.list_(pa.float32())),
    ]
)
"""Rows of DIR/near_words/<video>.parquet, one for each row of DIR/tokens.

The first of ``words`` is the clip's token, the others are the nearest besides, the nearest first.
``distances`` are those to their centroids, in the space that was clustered.
"""

EXAMPLES = pa.schema(
    [
        ("video_id", pa.string()),
        ("start", pa.float64()),
        ("end", pa.float64()),
        ("text", pa.string()),
        ("visual", pa.list_(pa.int32())),
    ]
)
"""Rows of DIR/examples/<video>.parquet in the order of time.

``text`` is empty where nobody speaks. ``visual`` is empty where the video ends before the middle of
a sentence.
"""

PICTURES = pa.schema(
    [
        ("token", pa.int32()),
        ("video_id", pa.string()),
        ("index", pa.int32()),
        ("start", pa.float64()),
        ("distance", pa.float32()),
        ("jpeg", pa.binary()),
    ]
)
"""Rows of pictures.parquet in a codebook: the training clip nearest each visual word.

``distance`` is the clip's, to the centroid. ``jpeg`` is its middle frame, null where the video
can no longer be read.
"""

ASSIGNMENTS = pa.schema(
    [("video_id", pa.string()), ("features", pa.string()), ("words", pa.list_(pa.int32()))]
)
"""Rows of assignments.parquet in DIR/codebook: the words that the fit gave to the clips of a video.

``features`` is the fingerprint of the video's file of features.
"""

CODEBOOK_KEY = b"codebook"
"""Key of the metadata of assignments.parquet under which the codebook's digest stands."""
