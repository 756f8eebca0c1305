"""The rules of a pick, one file each: a file here is a rule that a suite may name."""
