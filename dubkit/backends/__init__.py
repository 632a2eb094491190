"""One module per model family, each a strategy behind a Protocol of :mod:`dubkit.backends.protocols`."""
