#!/usr/bin/env python3
"""Makes shamir_pyshamir.vec: python3 make_shamir_pyshamir.py > shamir_pyshamir.vec (needs pyshamir 1.1.0 from PyPI)

pyshamir is a Python port of HashiCorp Vault's package shamir: the same field, and an x coordinate as a share's last
byte. Its random bytes are replaced by reproducible ones and recorded, and the x coordinates are taken in order, so that
splitting can be compared as well as recovering.
"""
import random

import pyshamir
from pyshamir import _utils, shamir

RNG = random.Random("shamir vectors 1")


def split(secret, k, n):
    """The shares by x, and the coefficients: row i has that of x^(i+1) for each byte of the secret."""
    drawn = []

    def recorded(count):
        drawn.append(RNG.randbytes(count))
        return drawn[-1]

    _utils.secrets.token_bytes = recorded
    shamir.generate_x_coordinates = lambda count: list(range(count))
    shares = {part[-1]: bytes(part[:-1]) for part in pyshamir.split(secret, n, k)}
    rows = [bytes(column[i] for column in drawn) for i in range(k - 1)]
    return dict(sorted(shares.items())), rows


def show(secret, k, n):
    shares, rows = split(secret, k, n)
    assert sorted(shares) == list(range(1, n + 1)), sorted(shares)
    print(f"\nSecret = {secret.hex()}\nK = {k}\nN = {n}")
    print(f"Coefficients = {b''.join(rows).hex()}")
    for x, share in shares.items():
        print(f"Share = {x} {share.hex()}")


def main():
    print("# Made by make_shamir_pyshamir.py with pyshamir 1.1.0. Coefficients = the random coefficients of x for all")
    print("# bytes of the secret, then those of x^2, and so on.")
    for size, k, n in [(1, 2, 2), (5, 2, 3), (16, 3, 5), (31, 4, 7), (32, 5, 5), (33, 2, 5), (64, 3, 4), (97, 7, 9),
                       (160, 3, 5), (8, 16, 20), (3, 128, 250)]:
        show(RNG.randbytes(size), k, n)
    show(bytes(20), 3, 3)
    show(b"\xff" * 20, 2, 4)


main()
