"""What can be read: each reading declared once."""
