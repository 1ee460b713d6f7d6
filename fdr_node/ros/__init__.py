# Copyright 2026 The fdr_node authors. Apache-2.0, see LICENSE.
"""Wires the recorder into ROS 2; decides nothing."""
