"""How charts are drawn: style and SVG, axes, dot rows, points with names. No chart is declared here."""
