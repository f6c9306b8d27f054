#!/usr/bin/env python3
"""Writes health_tests.vec: the cutoffs of NIST SP 800-90B sections 4.4.1 and 4.4.2, with 160 decimal digits."""

from decimal import Decimal, getcontext
from math import ceil, comb

WINDOW = 512
getcontext().prec = 160


def critbinom(trials: int, p: Decimal, alpha: Decimal) -> int:
    """The least c with P(X <= c) >= 1 - alpha."""
    tail = Decimal(0)
    for hits in range(trials, 0, -1):
        tail += comb(trials, hits) * p**hits * (1 - p) ** (trials - hits)
        if tail > alpha:
            return hits
    return 0


print("# Cutoffs of the continuous health tests, NIST SP 800-90B sections 4.4.1 and 4.4.2, window 512, made by")
print("# make_health_test_vectors.py. Those of H = 1 and alpha = 2^-30 are also those of the Linux kernel")
print("# (crypto/jitterentropy.c: JENT_APT_CUTOFF 325), those of H = 1 and 2^-60 too (JENT_APT_CUTOFF_PERMANENT 355).")
for entropy in ("0.1", "0.5", "1", "1.5", "2", "3", "4", "5", "6", "7", "7.5", "7.99", "8"):
    for exponent in (20, 30, 40, 60, 64):
        h, alpha = Decimal(entropy), Decimal(2) ** -exponent
        print(f"\nEntropy = {entropy}\nExponent = {exponent}")
        print(f"Repetition = {1 + ceil(exponent / h)}")
        print(f"Proportion = {min(WINDOW, 1 + critbinom(WINDOW, Decimal(2) ** -h, alpha))}")
