"""What the containers of docker-compose.yml are built from and call."""
