"""Facts: what WeCom said, and how it is searched, filtered and remembered."""
