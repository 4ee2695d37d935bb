"""Places that run commands: each module here makes machines of one kind."""
