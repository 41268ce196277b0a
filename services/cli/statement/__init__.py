"""The yearly statement: figures from ledger lines alone, shown, and written as files."""
