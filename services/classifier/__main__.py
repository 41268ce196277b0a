"""`python -m services.classifier`: one replica; its settings come from the environment."""

from services.classifier.app import main

main()
