"""The checks. Importing this registers them."""

from . import errors, extensions, get_key, http_rules, key_container, key_ids, multicast, status, tls  # noqa: F401
