"""What a host that serves dubbing to others needs: storage, and later jobs, queue and API."""
