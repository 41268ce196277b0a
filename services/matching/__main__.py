"""`python -m services.matching`: one replica; its settings come from the environment."""

from services.matching.app import main

main()
