"""The domains: each folder follows one kind of target on one foreign site, and all folders have the same structure."""
