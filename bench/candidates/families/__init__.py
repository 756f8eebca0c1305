"""Model families: one file each, which says what a model of the family is and what it can do."""
