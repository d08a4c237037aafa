"""Where computation happens, and how what it made is kept: device, precision, probes, checkpoints, model folders."""
