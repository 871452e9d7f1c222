"""Control loops: each brings the store closer to what one kind of object asks for."""
