"""The domains: each folder follows one kind of thing on one foreign site, all of the same flat shape."""
