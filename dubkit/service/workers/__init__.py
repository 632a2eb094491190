"""Processes that do jobs, and what starts and watches them."""
