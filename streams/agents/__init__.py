"""Faust agents. They are thin: a batch goes to the pipeline, and nothing is decided here."""
