"""S3D-G, S3D with gates, as Miech et al. trained it on the narrated videos of HowTo100M.

"End-to-End Learning of Visual Representations from Uncurated Instructional Videos", CVPR 2020. The
names of the parameters are those in their file, github.com/antoine77340/S3D_HowTo100M.

B is the batch, C channels, T time, H and W height and width.
"""

from __future__ import annotations

from itertools import product

import torch
from torch.nn import BatchNorm3d, Conv3d, Linear, Module
from torch.nn.functional import max_pool3d, pad

Triple = tuple[int, int, int]

# Each stage has the kernel and the stride of the pooling before it, and its blocks. A block has the
# channels of its branches, which are GoogLeNet's: b0; b1, narrow and wide; b2, narrow and wide; b3.
STAGES: list[tuple[Triple, Triple, dict[str, tuple[int, ...]]]] = [
    (
        (1, 3, 3),
        (1, 2, 2),
        {"mixed_3b": (64, 96, 128, 16, 32, 32), "mixed_3c": (128, 128, 192, 32, 96, 64)},
    ),
    (
        (3, 3, 3),
        (2, 2, 2),
        {
            "mixed_4b": (192, 96, 208, 16, 48, 64),
            "mixed_4c": (160, 112, 224, 24, 64, 64),
            "mixed_4d": (128, 128, 256, 24, 64, 64),
            "mixed_4e": (112, 144, 288, 32, 64, 64),
            "mixed_4f": (256, 160, 320, 32, 128, 128),
        },
    ),
    (
        (2, 2, 2),
        (2, 2, 2),
        {"mixed_5b": (256, 160, 320, 32, 128, 128), "mixed_5c": (384, 192, 384, 48, 128, 128)},
    ),
]


class GatedS3D(Module):
    """S3D-G up to its feature ``mixed_5c``, averaged over time and space."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = Convolution(24, 64, kernel=(2, 4, 4), padding=(1, 2, 2))
        self.conv_2b = Convolution(64, 64)
        self.conv_2c = SeparableConvolution(64, 192)
        self.gating = Gate(192)
        width = 192
        for _, _, blocks in STAGES:
            for name, widths in blocks.items():
                self.add_module(name, Inception(width, widths))
                width = widths[0] + widths[2] + widths[4] + widths[5]

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Turn float32 [B, 3, T, H, W] in 0..1, with T, H and W even, into float32 [B, 1024]."""
        # conv1 pads both sides, and only the padding on the far side is wanted.
        x = self.conv1(space_to_depth(pixels))[:, :, 1:, 1:, 1:]
        x = same_max_pool(x, (1, 3, 3), (1, 2, 2))
        x = self.gating(self.conv_2c(self.conv_2b(x)))
        for kernel, stride, blocks in STAGES:
            x = same_max_pool(x, kernel, stride)
            for name in blocks:
                x = self.get_submodule(name)(x)
        return x.mean(dim=(2, 3, 4))


class Convolution(Module):
    """A convolution, batch normalisation, ReLU."""

    def __init__(
        self, inputs: int, outputs: int, kernel: Triple = (1, 1, 1), padding: Triple = (0, 0, 0)
    ) -> None:
        super().__init__()
        self.conv1 = Conv3d(inputs, outputs, kernel, padding=padding, bias=False)
        self.bn1 = BatchNorm3d(outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Turn [B, inputs, T, H, W] into [B, outputs, T, H, W]."""
        return self.bn1(self.conv1(x)).relu()


class SeparableConvolution(Convolution):
    """A 3 x 3 x 3 convolution in two steps: in space, then in time."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, kernel=(1, 3, 3), padding=(0, 1, 1))
        self.conv2 = Conv3d(outputs, outputs, (3, 1, 1), padding=(1, 0, 0), bias=False)
        self.bn2 = BatchNorm3d(outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Turn [B, inputs, T, H, W] into [B, outputs, T, H, W]."""
        return self.bn2(self.conv2(super().forward(x))).relu()


class Gate(Module):
    """Weighs every channel by the averages of all channels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc = Linear(channels, channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Turn [B, C, T, H, W] into the same shape."""
        return self.fc(x.mean(dim=(2, 3, 4))).sigmoid()[:, :, None, None, None] * x


class Inception(Module):
    """Four branches side by side, each gated."""

    def __init__(self, inputs: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        b0, b1_narrow, b1, b2_narrow, b2, b3 = widths
        self.conv_b0, self.gating_b0 = Convolution(inputs, b0), Gate(b0)
        self.conv_b1_a, self.conv_b1_b = (
            Convolution(inputs, b1_narrow),
            SeparableConvolution(b1_narrow, b1),
        )
        self.conv_b2_a, self.conv_b2_b = (
            Convolution(inputs, b2_narrow),
            SeparableConvolution(b2_narrow, b2),
        )
        self.conv_b3_b = Convolution(inputs, b3)
        self.gating_b1, self.gating_b2, self.gating_b3 = Gate(b1), Gate(b2), Gate(b3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Turn [B, inputs, T, H, W] into [B, b0 + b1 + b2 + b3, T, H, W]."""
        b0 = self.gating_b0(self.conv_b0(x))
        b1 = self.gating_b1(self.conv_b1_b(self.conv_b1_a(x)))
        b2 = self.gating_b2(self.conv_b2_b(self.conv_b2_a(x)))
        b3 = self.gating_b3(self.conv_b3_b(max_pool3d(x, 3, stride=1, padding=1)))
        return torch.cat((b0, b1, b2, b3), dim=1)


def space_to_depth(pixels: torch.Tensor) -> torch.Tensor:
    """Turn every 2 x 2 x 2 block of pixels into the channels of one.

    [B, C, T, H, W] becomes [B, 8 C, T/2, H/2, W/2].
    """
    corners = product((0, 1), repeat=3)
    return torch.cat([pixels[:, :, t::2, y::2, x::2] for t, y, x in corners], dim=1)


def same_max_pool(x: torch.Tensor, kernel: Triple, stride: Triple) -> torch.Tensor:
    """Pool with TensorFlow's padding SAME, with which the network was trained.

    The padding is of zeros, and the odd one is on the far side.
    """
    edges = []
    # pad counts from the last axis.
    for size, step in zip(reversed(kernel), reversed(stride), strict=True):
        extra = max(size - step, 0)
        edges += [extra // 2, extra - extra // 2]
    return max_pool3d(pad(x, edges), kernel, stride, ceil_mode=True)
