"""The pure heart: no AWS, no clock, no chance. State, what may happen to it, what it owes."""
