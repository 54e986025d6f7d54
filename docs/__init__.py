"""The documentation: pages (`*.md`), and the tools that keep them as the code is. `python -m docs.write` runs them."""
