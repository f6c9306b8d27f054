#!/usr/bin/env python3
"""Makes gf128.vec: python3 make_gf128_vectors.py > gf128.vec (needs the package "cryptography")

The products come from OpenSSL's AES-GCM. The tag over one block A of additional data, without plaintext, is
A * H^2 + (a term that does not depend on A), so the tags of A and of the zero block differ by A * H^2, and those of the
element one and of zero by H^2 itself (NIST SP 800-38D, sections 6.4 and 7.1).
"""
import random

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

ONE = b"\x80" + bytes(15)


def xor(a, b):
    return bytes(x ^ y for x, y in zip(a, b))


def show(a, b, product):
    print(f"\nA = {a.hex()}\nB = {b.hex()}\nProduct = {product.hex()}")


def main():
    rng = random.Random("GF(2^128) vectors 1")
    print("# Products in GF(2^128) as in GCM.")
    print("\n# Steps of GHASH in test cases 2 and 3 of McGrew and Viega, \"The Galois/Counter Mode of Operation (GCM)\",")
    print("# appendix B: X_i = (X_(i-1) + C_i) * H, and the last step with the length block.")
    h = "66e94bd4ef8a2c3b884cfa59ca342b2e"
    print(f"\nA = 0388dace60b6a392f328c2b971b2fe78\nB = {h}\nProduct = 5e2ec746917062882c85b0685353deb7")
    last = xor(bytes.fromhex("5e2ec746917062882c85b0685353deb7"), (128).to_bytes(16, "big"))
    print(f"\nA = {last.hex()}\nB = {h}\nProduct = f38cbb1ad69223dcc3457ae5b6b0f885")
    h = "b83b533708bf535d0aa6e52980d53b78"
    steps = [("42831ec2217774244b7221b784d0d49c", "59ed3f2bb1a0aaa07c9f56c6a504647b"),
             ("e3aa212f2c02a4e035c17e2329aca12e", "b714c9048389afd9f9bc5c1d4378e052"),
             ("21d514b25466931c7d8f6a5aac84aa05", "47400c6577b1ee8d8f40b2721e86ff10"),
             ("1ba30b396a0aac973d58e091473f5985", "4796cf49464704b5dd91f159bb1b7f95"),
             ((512).to_bytes(16, "big").hex(), "7f1b32b81b820d02614f8895ac1d4eac")]
    x = bytes(16)
    for block, after in steps:
        print(f"\nA = {xor(x, bytes.fromhex(block)).hex()}\nB = {h}\nProduct = {after}")
        x = bytes.fromhex(after)

    print("\n# From OpenSSL's AES-GCM, see make_gf128_vectors.py.")
    for _ in range(6):
        gcm, nonce = AESGCM(rng.randbytes(16)), bytes(12)

        def tag(block):
            return gcm.encrypt(nonce, b"", block)

        b = xor(tag(ONE), tag(bytes(16)))
        single_bits = [(1 << rng.randrange(128)).to_bytes(16, "big") for _ in range(3)]
        for a in [bytes(15) + b"\x01", b"\xff" * 16, *single_bits, *(rng.randbytes(16) for _ in range(5))]:
            show(a, b, xor(tag(a), tag(bytes(16))))

    print("\n[Invalid]")
    print("\n# The first product with one bit changed, and the same with the bits of each byte in the other order.")
    print("\nA = 0388dace60b6a392f328c2b971b2fe78\nB = 66e94bd4ef8a2c3b884cfa59ca342b2e\n"
          "Product = 5e2ec746917062882c85b0685353deb6")
    reverse = bytes(int(f"{i:08b}"[::-1], 2) for i in range(256))
    a, b, product = (bytes.fromhex(text).translate(reverse).hex()
                     for text in ("0388dace60b6a392f328c2b971b2fe78", "66e94bd4ef8a2c3b884cfa59ca342b2e",
                                  "5e2ec746917062882c85b0685353deb7"))
    print(f"\nA = {a}\nB = {b}\nProduct = {product}")


main()
