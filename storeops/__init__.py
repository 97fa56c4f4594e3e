"""storeops: store operations for chains that meet their customers through WeCom."""

__version__ = "0.1.0"
