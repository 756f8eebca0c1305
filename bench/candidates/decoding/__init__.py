"""How texts are generated and scored: greedy and beam search, likelihoods, sliding windows, stop strings."""
