"""Training and fine-tuning: recipe and training split in, checkpoint with its provenance out."""
