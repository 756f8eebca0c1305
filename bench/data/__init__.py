"""Where examples come from: files, the Hugging Face Hub, the generated waybills, the docstrings of this
Python."""
