"""Training: a process that talks with the pages through its run folder alone, and resumes bit for bit."""
