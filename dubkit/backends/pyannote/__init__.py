"""pyannote.audio's diarization pipelines."""
