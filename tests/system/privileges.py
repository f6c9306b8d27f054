"""For people who run tests without privileges: where those are there, nothing is skipped."""

import os

import pytest

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root")
