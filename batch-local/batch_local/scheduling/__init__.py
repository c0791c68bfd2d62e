"""Who runs when. Pure: time is an argument, processes are requested."""
