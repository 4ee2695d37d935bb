"""`${{ … }}` text becomes a callable that answers from contexts."""
