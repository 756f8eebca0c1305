"""The sources of energy and memory figures, one per file; a new file is found without being named anywhere."""
