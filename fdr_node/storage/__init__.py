# Copyright 2026 The fdr_node authors. Apache-2.0, see LICENSE.
"""Puts a flight on disk: files, segments, the flight directory and its lock."""
