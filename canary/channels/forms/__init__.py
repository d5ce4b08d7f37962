"""Web forms: filled in by a real browser, or posted by HTTP where no JavaScript is needed."""
