"""The floors: the same work without the product, each in a process of its own."""
