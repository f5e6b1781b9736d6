"""ops.catalog: departments, categories, brands, vendors and products."""
