// Shared by the scripts beside it: each prints what the npm packages compute into the JSON file of its own name.
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export const hex = (bytes) => Buffer.from(bytes).toString('hex')

// Bytes that a name decides, so that a script run again gives the same file.
export function bytes(name, length) {
  const parts = []
  for (let i = 0; i * 32 < length; i++) parts.push(createHash('sha256').update(`${name}/${i}`).digest())
  return Buffer.concat(parts).subarray(0, length)
}

// A whole number below 2^bits that a name decides.
export function number(name, bits) {
  return Number(bytes(name, 8).readBigUInt64LE() & ((1n << BigInt(bits)) - 1n))
}

export function save(scriptUrl, vectors) {
  const path = fileURLToPath(scriptUrl).replace(/\.mjs$/, '.json')
  writeFileSync(path, JSON.stringify(vectors, null, 2) + '\n')
}
