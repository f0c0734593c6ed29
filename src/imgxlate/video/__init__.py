"""Film: reading and writing videos and folders of frames, and long films in segments."""
