"""Sentences about results, made from typed ones; the only room that writes them."""
