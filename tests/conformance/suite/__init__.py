"""A conformance test suite for ETSI GS QKD 014 V1.1.1. See docs/conformance.md."""
