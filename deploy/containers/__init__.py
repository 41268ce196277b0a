"""What the containers need besides the image: the check of health, the agent of the broker, the passwords."""
