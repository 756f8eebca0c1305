"""What can be read and what can be doubted: each declared once."""
