"""docker-compose.yml on a real engine of the tests' own, with images made of Debian and Maven where no registry is."""
