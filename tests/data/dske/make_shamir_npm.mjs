// Makes shamir_npm.vec: node make_shamir_npm.mjs > shamir_npm.vec
// Needs the npm package shamir-secret-sharing 0.0.4: GF(2^8) with the same polynomial, random non-zero x coordinates,
// kept as a share's last byte, and random coefficients from the system (so another run makes other vectors).
import { randomBytes } from 'node:crypto';
import { combine, split } from 'shamir-secret-sharing';

const hex = (bytes) => Buffer.from(bytes).toString('hex');

console.log('# Made by make_shamir_npm.mjs with the npm package shamir-secret-sharing 0.0.4: any K shares recover Secret.');
for (const [size, k, n] of [[1, 2, 2], [16, 2, 3], [32, 3, 5], [33, 3, 4], [64, 5, 8], [96, 4, 6], [7, 11, 13]]) {
  const secret = new Uint8Array(randomBytes(size));
  const shares = await split(secret, n, k);
  if (hex(await combine(shares.slice(n - k))) !== hex(secret)) throw new Error('the package cannot recover its secret');
  console.log(`\nSecret = ${hex(secret)}\nK = ${k}\nN = ${n}`);
  for (const share of shares) console.log(`Share = ${share[size]} ${hex(share.subarray(0, size))}`);
}
