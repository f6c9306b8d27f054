#!/usr/bin/env python3
"""Makes secret_tag.vec: python3 make_secret_tag_vectors.py > secret_tag.vec

Independent of the product: elements of GF(2^128) are polynomials with Python integers as coefficient vectors (bit i is
the coefficient of x^i), multiplied by long multiplication and reduced by long division, and the tag is computed term by
term from its definition (Cramer, Dodis, Fehr, Padro, Wichs, EUROCRYPT 2008), without Horner's rule.
"""
import random

MODULUS = (1 << 128) | (1 << 7) | (1 << 2) | (1 << 1) | 1


def element(block):
    """NIST SP 800-38D, section 6.3: the first bit of the first byte is the coefficient of x^0."""
    return int(bin(int.from_bytes(block, "big"))[2:].zfill(128)[::-1], 2)


def block_of(polynomial):
    return int(bin(polynomial)[2:].zfill(128)[::-1], 2).to_bytes(16, "big")


def times(a, b):
    product = 0
    for i in range(128):
        if (b >> i) & 1:
            product ^= a << i
    while product.bit_length() > 128:
        product ^= MODULUS << (product.bit_length() - 129)
    return product


def power(a, exponent):
    result = 1
    for _ in range(exponent):
        result = times(result, a)
    return result


def tag(u, message):
    a, b = element(u[:16]), element(u[16:])
    padded = message + bytes(-len(message) % 16)
    if (len(padded) // 16) % 2 == 1:
        padded += bytes(16)
    padded += bytes(8) + (8 * len(message)).to_bytes(8, "big")
    blocks = [element(padded[i:i + 16]) for i in range(0, len(padded), 16)]
    d = len(blocks)
    assert d % 2 == 1
    total = b ^ power(a, d + 2)
    a_to_i = 1
    for m in blocks:
        a_to_i = times(a_to_i, a)
        total ^= times(m, a_to_i)
    return block_of(total)


def show(u, context, secret, value):
    print(f"\nU = {u.hex()}\nContext = {context.hex()}\nSecret = {secret.hex()}\nTag = {value.hex()}")


def main():
    rng = random.Random("secret tag vectors 1")
    print("# Secret tags. Made by make_secret_tag_vectors.py: Python integers as polynomials, term by term.")
    zero, ones = bytes(32), b"\xff" * 32
    one = b"\x80" + bytes(15)
    show(zero, b"", b"", tag(zero, b""))
    show(ones, b"", b"", tag(ones, b""))
    show(one + zero[:16], b"", b"\x01", tag(one + zero[:16], b"\x01"))
    show(zero, b"context", b"secret", tag(zero, b"contextsecret"))
    show(ones, b"\xff" * 16, b"\xff" * 16, tag(ones, b"\xff" * 32))
    # Borders of parts and blocks in every relation to each other, and lengths around the aggregation of eight blocks.
    sizes = [(0, 1), (0, 16), (0, 17), (1, 0), (1, 15), (1, 14), (1, 16), (5, 3), (15, 1), (15, 2), (16, 16), (16, 0),
             (17, 32), (31, 33), (40, 7), (100, 32), (127, 129), (128, 128), (137, 256), (160, 544), (129, 1000),
             (256, 4096), (333, 4129)]
    for context_size, secret_size in sizes:
        u, context, secret = rng.randbytes(32), rng.randbytes(context_size), rng.randbytes(secret_size)
        show(u, context, secret, tag(u, context + secret))

    print("\n[Invalid]")
    u, context, secret = rng.randbytes(32), rng.randbytes(45), rng.randbytes(64)
    right = tag(u, context + secret)

    def flipped(data, bit):
        return bytes(byte ^ (1 << bit % 8 if i == bit // 8 else 0) for i, byte in enumerate(data))

    print("\n# One bit changed: of a, of b, of the context, of the secret, of the tag.")
    show(flipped(u, 3), context, secret, right)
    show(flipped(u, 255), context, secret, right)
    show(u, flipped(context, 0), secret, right)
    show(u, context, flipped(secret, 511), right)
    show(u, context, secret, flipped(right, 64))
    print("\n# A zero byte more at the end, which the padding alone would not show, and one byte less.")
    show(u, context, secret + b"\0", right)
    show(u, context, secret[:-1], right)
    print("\n# Two blocks exchanged.")
    show(u, context, secret[16:32] + secret[:16] + secret[32:], right)
    print("\n# a and b exchanged.")
    show(u[16:] + u[:16], context, secret, right)
    print("\n# The same error added to a secret and, as far as a linear code would need it, to the tag.")
    delta = bytes(range(1, 17))
    show(u, context, bytes(x ^ y for x, y in zip(secret, delta + bytes(48))),
         bytes(x ^ y for x, y in zip(right, delta)))


main()
