"""For when the ground moves: states made anew from the topics, topics written anew from the databases, and backups."""
