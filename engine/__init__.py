"""Runwright's engine: GitHub Actions workflows, read, planned and run."""
