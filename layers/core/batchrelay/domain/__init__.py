"""The pure domain: state, events, effects, transitions. No AWS, no clock, no randomness."""
