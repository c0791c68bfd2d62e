"""What older versions stored: a run of theirs must end well under this one."""
