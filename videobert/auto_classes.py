"""Makes the processor known to AutoProcessor; the other modules do so for their own classes.

It stands apart, as importing AutoProcessor takes longer than answering.
"""

from __future__ import annotations

from transformers import AutoProcessor

from videobert.configuration_videobert import VideoBertConfig
from videobert.modeling_videoencoder import VideoEncoderConfig
from videobert.processing_videobert import VideoBertProcessor

for config in (VideoBertConfig, VideoEncoderConfig):
    AutoProcessor.register(config, VideoBertProcessor, exist_ok=True)
