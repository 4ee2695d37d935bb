"""Each reporter is a function that takes an event."""
