"""Processes: started, watched, ended, and the folders that they begin in."""
