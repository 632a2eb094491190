"""What is known and heard of one dub, and from that to samples of every measure."""
