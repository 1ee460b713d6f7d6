# Copyright 2026 The fdr_node authors. Apache-2.0, see LICENSE.
"""Flight data recorder for ROS 2: every record on disk, every loss named."""

__version__ = '0.1.0'
