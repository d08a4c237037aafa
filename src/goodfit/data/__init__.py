"""Data: readers, images, splits, scans, the decoded cache and the loaders."""
