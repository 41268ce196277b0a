"""`python -m services.quota`: one replica; its settings come from the environment."""

from services.quota.app import main

main()
