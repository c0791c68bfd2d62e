"""One AWS service each, and their fakes. No adapter decides anything, none knows another."""
