"""How Pergola is started: embedded services for one machine, containers for a server."""
