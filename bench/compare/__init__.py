"""Two candidates or two runs, paired example by example."""
