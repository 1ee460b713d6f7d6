# Copyright 2026 The fdr_node authors. Apache-2.0, see LICENSE.
"""Takes records in: drains them, counts what is missing, holds them for the writer."""
