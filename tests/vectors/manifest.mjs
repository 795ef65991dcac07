// Writes manifest.json: manifests, their keys, and signatures over small trees, as hypercore makes them.
import { createRequire } from 'node:module'
import { writeFileSync } from 'node:fs'
const require = createRequire(import.meta.url)
const crypto = require('hypercore-crypto')
const Verifier = require('hypercore/lib/verifier')
const multisig = require('hypercore/lib/multisig')
const { MerkleTreeBatch } = require('hypercore/lib/merkle-tree')

const pair = (n) => crypto.keyPair(Buffer.alloc(32, n))
const signer = (n, namespace) => ({ publicKey: pair(n).publicKey, ...(namespace ? { namespace } : {}) })
const hex = (b) => b.toString('hex')

function tree (length, fork = 0) {
  const batch = new MerkleTreeBatch({ fork, roots: [], length: 0, byteLength: 0, signature: null, prologue: null, storage: null })
  for (let i = 0; i < length; i++) batch.append(Buffer.alloc((i * 7) % 5, i))
  return batch
}

const prologue = { hash: tree(4).hash(), length: 4 }
const inputs = {
  default: { signers: [signer(1)] },
  version0: { version: 0, signers: [signer(1)] },
  version0Namespace: { version: 0, signers: [signer(1, Buffer.alloc(32, 7))] },
  version0Many: { version: 0, quorum: 2, signers: [signer(1), signer(2), signer(3)] },
  version0Patch: { version: 0, allowPatch: true, signers: [signer(1)] },
  version0Prologue: { version: 0, prologue: { hash: prologue.hash, length: 0 } },
  many: { quorum: 2, signers: [signer(1), signer(2), signer(3)] },
  patch: { allowPatch: true, quorum: 2, signers: [signer(1), signer(2), signer(3)] },
  prologue: { prologue },
  prologueSigned: { prologue, signers: [signer(1)] },
  linked: { linked: [Buffer.alloc(32, 9)], userData: Buffer.from('ud'), signers: [signer(1)] },
  version3: { version: 3, userData: Buffer.from('x'), signers: [signer(2)] }
}

const manifests = []
for (const [name, input] of Object.entries(inputs)) {
  const m = Verifier.createManifest(input)
  manifests.push({ name, encoded: hex(Verifier.encodeManifest(m)), key: hex(Verifier.manifestHash(m)) })
}

const signatures = []
function add (name, input, batch, signature, { compat = false } = {}) {
  const m = Verifier.createManifest(input)
  const key = compat ? m.signers[0].publicKey : Verifier.manifestHash(m)
  const verifier = new Verifier(key, m)
  let valid = false
  try { valid = verifier.verify(batch, signature) } catch {}
  signatures.push({ name, manifest: hex(Verifier.encodeManifest(m)), key: hex(key), length: batch.length, fork: batch.fork, signature: signature ? hex(signature) : '', valid })
}
function sign (input, batch, n, compat = false) {
  const m = Verifier.createManifest(input)
  const key = compat ? m.signers[0].publicKey : Verifier.manifestHash(m)
  return new Verifier(key, m).sign(batch, pair(n))
}
function upgradeNodes (long, from) {
  const all = new Map(long.nodes.map((n) => [n.index, n]))
  const flat = require('flat-tree')
  const nodes = []
  let first = from > 0
  for (const root of flat.fullRoots(2 * long.length)) {
    if (flat.rightSpan(root) < 2 * from) continue
    if (first && flat.leftSpan(root) < 2 * from) {
      const ite = flat.iterator(2 * from - 2)
      while (ite.index !== root) {
        ite.sibling()
        if (ite.index > 2 * from - 2) nodes.push(all.get(ite.index))
        ite.parent()
      }
    } else nodes.push(all.get(root))
    first = false
  }
  return nodes
}

for (const length of [1, 2, 5]) {
  for (const fork of [0, 3]) {
    const t = tree(length, fork)
    add('default', inputs.default, t, sign(inputs.default, t, 1))
    add('compat', inputs.default, t, sign(inputs.default, t, 1, true), { compat: true })
    add('compat version 0', inputs.version0, t, sign(inputs.version0, t, 1, true), { compat: true })
    add('version 0', inputs.version0, t, sign(inputs.version0, t, 1))
    add('version 0 namespace', inputs.version0Namespace, t, sign(inputs.version0Namespace, t, 1))
    add('linked', inputs.linked, t, sign(inputs.linked, t, 1))
    add('wrong length', inputs.default, tree(length + 1, fork), sign(inputs.default, t, 1))
    const one = sign(inputs.many, t, 1)
    const two = sign(inputs.many, t, 2)
    const part = (s, signature) => ({ signer: s, signature, patch: 0, nodes: null })
    add('two of three', inputs.many, t, multisig.assemble([part(0, one), part(1, two)]))
    add('one of three', inputs.many, t, multisig.assemble([part(0, one)]))
    add('one signer twice', inputs.many, t, multisig.assemble([part(0, one), part(0, one)]))
    add('a bad one first', inputs.many, t, multisig.assemble([part(2, one), part(0, one), part(1, two)]))
    add('a bad one last', inputs.many, t, multisig.assemble([part(0, one), part(1, two), part(2, one)]))
    add('a signer who is none', inputs.many, t, multisig.assemble([part(0, one), part(3, two)]))
    const v0one = sign(inputs.version0Many, t, 1)
    const v0two = sign(inputs.version0Many, t, 2)
    add('version 0, two of three', inputs.version0Many, t, multisig.assemblev0([part(0, v0one), part(1, v0two)]))
    const long = tree(length + 4, fork)
    const patched = { signer: 1, signature: sign(inputs.patch, long, 2), patch: 4, nodes: upgradeNodes(long, length) }
    add('patched', inputs.patch, t, multisig.assemble([part(0, sign(inputs.patch, t, 1)), patched]))
    add('patched, not allowed', inputs.many, t, multisig.assemble([part(0, one), { ...patched, signature: sign(inputs.many, long, 2) }]))
    add('patched, nodes missing', inputs.patch, t, multisig.assemble([part(0, sign(inputs.patch, t, 1)), { ...patched, nodes: [] }]))
  }
}
add('prologue', inputs.prologue, tree(4), null)
add('prologue, shorter', inputs.prologue, tree(3), null)
add('prologue, longer unsigned', inputs.prologue, tree(5), null)
add('prologue, signed beyond', inputs.prologueSigned, tree(6), sign(inputs.prologueSigned, tree(6), 1))

writeFileSync(new URL('manifest.json', import.meta.url), JSON.stringify({ manifests, signatures }, null, 1) + '\n')
