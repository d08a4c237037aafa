"""CleanVision and cleanlab over class folders, as their documentation writes it; prints JSON.

`_audit_rival.py DATA WEIGHTS|-`: image checks; with weights also labels, by logistic regression out of sample on what
MobileNetV2's head sees. Runs in an environment of its own that has cleanvision, cleanlab and torchvision.
Sources: cleanvision.readthedocs.io (Imagelab), docs.cleanlab.ai (find_label_issues).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any


def main() -> None:
    """Do it."""
    data, weights = Path(sys.argv[1]), sys.argv[2]
    found = pictures(data)
    if weights != "-":
        found |= labels(data, weights)
    print(json.dumps(found))


def pictures(data: Path) -> dict[str, Any]:
    """Issue -> how many pictures have it."""
    from cleanvision import Imagelab

    lab = Imagelab(data_path=str(data))
    lab.find_issues()
    columns = [c for c in lab.issues.columns if c.startswith("is_") and c.endswith("_issue")]
    return {c[3:-6]: int(lab.issues[c].sum()) for c in columns}


def labels(data: Path, weights: str) -> dict[str, Any]:
    """Labels that cleanlab doubts."""
    import numpy as np
    import torch
    from cleanlab.filter import find_label_issues
    from PIL import Image
    from safetensors.torch import load_file
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_predict
    from torchvision import models, transforms

    net = models.mobilenet_v2()
    net.load_state_dict(load_file(weights))
    net.classifier = torch.nn.Identity()
    net.eval()
    ready = transforms.Compose(
        [
            transforms.Resize(224),
            transforms.CenterCrop(224),
            transforms.ToTensor(),
            transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
        ]
    )
    rows, given, batch = [], [], []
    names = sorted({path.parent.name for path in data.rglob("*") if path.is_file()})

    def flush() -> None:
        with torch.inference_mode():
            rows.append(net(torch.stack(batch)).numpy())
        batch.clear()

    for path in sorted(data.rglob("*")):
        try:
            with Image.open(path) as image:
                batch.append(ready(image.convert("RGB")))
        except (OSError, SyntaxError, ValueError):
            continue
        given.append(names.index(path.parent.name))
        if len(batch) == 64:
            flush()
    if batch:
        flush()
    x, y = np.concatenate(rows), np.unique(given, return_inverse=True)[1]
    probabilities = cross_val_predict(LogisticRegression(max_iter=1000), x, y, cv=5, method="predict_proba")
    return {"labels": int(find_label_issues(y, probabilities).sum())}


if __name__ == "__main__":
    main()
