"""`python -m services.ingest`: one replica; its settings come from the environment."""

from services.ingest.app import main

main()
