"""Metrics of a classifier from all its scores, their intervals, and statistics over runs."""
