"""Configurations of transformers' detectors so small that a test can train them."""

from __future__ import annotations

from typing import Any

_COMMON = {
    "encoder_hidden_dim": 16,
    "encoder_ffn_dim": 16,
    "encoder_attention_heads": 2,
    "d_model": 16,
    "num_queries": 12,
    "decoder_in_channels": [16, 16, 16],
    "decoder_ffn_dim": 16,
    "decoder_layers": 2,
    "decoder_attention_heads": 2,
    "num_denoising": 4,
    "freeze_backbone_batch_norms": False,
}
_RESNET = {
    "model_type": "rt_detr_resnet",
    "layer_type": "basic",
    "depths": [1, 1, 1, 1],
    "embedding_size": 8,
    "hidden_sizes": [8, 8, 16, 16],
    "out_features": ["stage2", "stage3", "stage4"],
}
TINY: dict[str, dict[str, Any]] = {
    "rt_detr": {"backbone_config": _RESNET, "encoder_in_channels": [8, 16, 16], **_COMMON},
    "rt_detr_v2": {"backbone_config": _RESNET, "encoder_in_channels": [8, 16, 16], **_COMMON},
    "d_fine": {
        "backbone_config": {
            "model_type": "hgnet_v2",
            "stem_channels": [3, 8, 8],
            "stage_in_channels": [8, 8, 16, 16],
            "stage_mid_channels": [8, 8, 8, 8],
            "stage_out_channels": [8, 16, 16, 16],
            "stage_num_blocks": [1, 1, 1, 1],
            "stage_numb_of_layers": [1, 1, 1, 1],
            "stage_downsample": [False, True, True, True],
            "stage_light_block": [False, False, False, False],
            "stage_kernel_size": [3, 3, 3, 3],
            "hidden_sizes": [8, 16, 16, 16],
            "depths": [1, 1, 1, 1],
            "embedding_size": 8,
            "out_features": ["stage2", "stage3", "stage4"],
        },
        "encoder_in_channels": [16, 16, 16],
        **_COMMON,
    },
}
