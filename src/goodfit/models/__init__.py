"""Networks: our own small family, the door to torchvision and timm, and what each costs."""
