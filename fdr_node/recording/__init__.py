# Copyright 2026 The fdr_node authors. Apache-2.0, see LICENSE.
"""Records a flight: when to cut, what to drop, what the header and the footer say."""
