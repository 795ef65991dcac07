// Hashes, keys, signatures, ciphers and derivations as hypercore, corestore and the secret stream compute them.
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Corestore from 'corestore'
import Corestore6 from 'corestore6'
import crypto from 'hypercore-crypto'
import ids from 'hypercore-id-encoding'
import curve from 'noise-curve-ed'
import flat from 'flat-tree'
import sodium from 'sodium-native'
import { bytes, hex, save } from './lib.mjs'

const require = createRequire(import.meta.url)
const caps = require('hypercore/lib/caps.js')
const Verifier = require('hypercore/lib/verifier.js')

const seedOf = (n) => Buffer.alloc(32, n)

function blake2b() {
  const inputs = [0, 1, 31, 127, 128, 129, 255, 256, 512, 513, 1024, 5000]
  return inputs.flatMap((n) => [16, 32, 64].map((size, i) => {
    const input = bytes(`blake2b/${n}`, n)
    const key = [null, bytes('blake2b key', 32), bytes('blake2b long key', 64)][(n + i) % 3]
    const output = Buffer.alloc(size)
    if (key) sodium.crypto_generichash(output, input, key)
    else sodium.crypto_generichash(output, input)
    return { input: hex(input), key: key ? hex(key) : '', hash: hex(output) }
  }))
}

function treeOf(blocks) {
  const nodes = new Map()
  blocks.forEach((block, i) => nodes.set(2 * i, { index: 2 * i, size: block.byteLength, hash: crypto.data(block) }))
  const node = (index) => {
    if (!nodes.has(index)) {
      const [left, right] = flat.children(index).map(node)
      nodes.set(index, { index, size: left.size + right.size, hash: crypto.parent(left, right) })
    }

    return nodes.get(index)
  }

  return flat.fullRoots(2 * blocks.length).map(node)
}

function trees() {
  const blocks = [Buffer.from('hello'), Buffer.from('world'), Buffer.alloc(0), ...[1, 100, 503, 504, 1024].map((n) => bytes(`block/${n}`, n))]
  return {
    blocks: blocks.map(hex),
    leaves: blocks.map((block) => hex(crypto.data(block))),
    lengths: blocks.concat(null).map((_, length) => {
      const roots = treeOf(blocks.slice(0, length))
      return {
        roots: roots.map((root) => ({ index: root.index, size: root.size, hash: hex(root.hash) })),
        hash: hex(crypto.tree(roots))
      }
    })
  }
}

function parents() {
  return [0, 1, 2].map((n) => {
    const left = { index: 1, size: n * 1000 + 5, hash: bytes(`left/${n}`, 32) }
    const right = { index: 5, size: 2 ** (16 * n) + 3, hash: bytes(`right/${n}`, 32) }
    return {
      left: { size: left.size, hash: hex(left.hash) },
      right: { size: right.size, hash: hex(right.hash) },
      hash: hex(crypto.parent(left, right))
    }
  })
}

function keyPairs() {
  return [seedOf(0), seedOf(1), seedOf(2), bytes('seed', 32)].map((seed) => {
    const pair = crypto.keyPair(seed)
    const messages = [0, 1, 112, 3000].map((n) => bytes(`message/${n}`, n))
    return {
      seed: hex(seed),
      publicKey: hex(pair.publicKey),
      secretKey: hex(pair.secretKey),
      text: ids.encode(pair.publicKey),
      discoveryKey: hex(crypto.discoveryKey(pair.publicKey)),
      signatures: messages.map((message) => ({ message: hex(message), signature: hex(crypto.sign(message, pair.secretKey)) }))
    }
  })
}

function diffieHellman() {
  return [[1, 2], [3, 4], [7, 200]].map(([a, b]) => {
    const [ours, theirs] = [crypto.keyPair(seedOf(a)), crypto.keyPair(seedOf(b))]
    return { seed: hex(seedOf(a)), remotePublicKey: hex(theirs.publicKey), shared: hex(curve.dh(theirs.publicKey, ours)) }
  })
}

// Points of small order, none at all, and one outside the main subgroup: no secret can be agreed on with them.
function refusedPoints() {
  const candidates = [
    '0000000000000000000000000000000000000000000000000000000000000000',
    '0100000000000000000000000000000000000000000000000000000000000000',
    'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
    '0200000000000000000000000000000000000000000000000000000000000000',
    'ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff'
  ]
  return candidates.filter((text) => {
    try {
      curve.dh(Buffer.from(text, 'hex'), crypto.keyPair(seedOf(1)))
      return false
    } catch {
      return true
    }
  })
}

function namespaces() {
  const [tree, initiator, responder, manifest, defaultNamespace, encryption] = crypto.namespace('hypercore', 6)
  const [streamInitiator, streamResponder, streamSend] = crypto.namespace('hyperswarm/secret-stream', 3)
  const [corestore] = crypto.namespace('corestore', 1)
  return {
    Tree: hex(tree),
    ReplicateInitiator: hex(initiator),
    ReplicateResponder: hex(responder),
    Manifest: hex(manifest),
    DefaultNamespace: hex(defaultNamespace),
    DefaultEncryption: hex(encryption),
    StreamInitiator: hex(streamInitiator),
    StreamResponder: hex(streamResponder),
    StreamSend: hex(streamSend),
    Corestore: hex(corestore)
  }
}

function capabilities() {
  const [streamInitiator, streamResponder] = crypto.namespace('hyperswarm/secret-stream', 2)
  return [0, 1].map((n) => bytes(`handshake hash/${n}`, 64)).flatMap((handshakeHash) => [true, false].map((isInitiator) => {
    const key = bytes('a feed', 32)
    const streamId = Buffer.alloc(32)
    sodium.crypto_generichash(streamId, isInitiator ? streamInitiator : streamResponder, handshakeHash)
    return {
      isInitiator,
      handshakeHash: hex(handshakeHash),
      key: hex(key),
      capability: hex(caps.replicate(isInitiator, key, handshakeHash)),
      streamId: hex(streamId)
    }
  }))
}

function aead() {
  return [[0, 0], [1, 0], [32, 64], [48, 64], [1000, 13]].map(([length, associated], n) => {
    const key = bytes(`aead key/${n}`, 32)
    const nonce = Buffer.concat([Buffer.alloc(4), bytes(`aead nonce/${n}`, 8)])
    const plaintext = bytes(`aead plaintext/${n}`, length)
    const data = bytes(`aead data/${n}`, associated)
    const ciphertext = Buffer.alloc(length + 16)
    sodium.crypto_aead_chacha20poly1305_ietf_encrypt(ciphertext, plaintext, data.length ? data : null, null, nonce, key)
    return { key: hex(key), nonce: hex(nonce), associatedData: hex(data), plaintext: hex(plaintext), ciphertext: hex(ciphertext) }
  })
}

// init_pull gives the state that init_push gives, but for a header of our choice.
function secretStreams() {
  return [[0], [32, 0, 5], [1, 2, 3, 1000, 6000, 7]].map((lengths, n) => {
    const key = bytes(`stream key/${n}`, 32)
    const header = bytes(`stream header/${n}`, 24)
    const state = Buffer.alloc(sodium.crypto_secretstream_xchacha20poly1305_STATEBYTES)
    sodium.crypto_secretstream_xchacha20poly1305_init_pull(state, header, key)
    return {
      key: hex(key),
      header: hex(header),
      messages: lengths.map((length, i) => {
        const plaintext = bytes(`stream message/${n}/${i}`, length)
        const ciphertext = Buffer.alloc(length + 17)
        sodium.crypto_secretstream_xchacha20poly1305_push(
          state, ciphertext, plaintext, null, sodium.crypto_secretstream_xchacha20poly1305_TAG_MESSAGE)
        return { plaintext: hex(plaintext), ciphertext: hex(ciphertext) }
      })
    }
  })
}

function manifests() {
  const signer = (n, namespace) => ({ signature: 'ed25519', namespace: namespace || caps.DEFAULT_NAMESPACE, publicKey: crypto.keyPair(seedOf(n)).publicKey })
  const prologue = { hash: crypto.tree(treeOf([Buffer.from('hello'), Buffer.from('world')])), length: 2 }
  const base = { hash: 'blake2b', allowPatch: false, quorum: 1, prologue: null, linked: null, userData: null }
  const all = [
    { name: 'one signer', manifest: { ...base, version: 1, signers: [signer(1)] } },
    { name: 'one signer, version 0', manifest: { ...base, version: 0, signers: [signer(1)] } },
    { name: 'one signer, version 3', manifest: { ...base, version: 3, signers: [signer(1)] } },
    { name: 'one signer with a namespace', manifest: { ...base, version: 1, signers: [signer(2, bytes('namespace', 32))] } },
    { name: 'two of three', manifest: { ...base, version: 1, quorum: 2, allowPatch: true, signers: [signer(1), signer(2), signer(3)] } },
    { name: 'two of three, version 0', manifest: { ...base, version: 0, quorum: 2, allowPatch: true, signers: [signer(1), signer(2), signer(3)] } },
    { name: 'a prologue alone', manifest: { ...base, version: 1, quorum: 0, signers: [], prologue } },
    { name: 'a prologue alone, version 0', manifest: { ...base, version: 0, quorum: 0, signers: [], prologue: { hash: prologue.hash, length: 0 } } },
    { name: 'a signer and a prologue', manifest: { ...base, version: 1, signers: [signer(1)], prologue } },
    { name: 'linked, with user data', manifest: { ...base, version: 2, signers: [signer(1)], linked: [Buffer.alloc(32, 9)], userData: Buffer.from('ud') } }
  ]
  return all.map(({ name, manifest }) => {
    const key = crypto.hash([caps.MANIFEST, Verifier.encodeManifest(manifest)])
    if (!key.equals(Verifier.manifestHash(manifest))) throw new Error(name)
    return {
      name,
      version: manifest.version,
      allowPatch: manifest.allowPatch,
      quorum: manifest.quorum,
      signers: manifest.signers.map((s) => ({ namespace: hex(s.namespace), publicKey: hex(s.publicKey) })),
      prologue: manifest.prologue && { hash: hex(manifest.prologue.hash), length: manifest.prologue.length },
      linked: manifest.linked && manifest.linked.map(hex),
      userData: manifest.userData && hex(manifest.userData),
      encoding: hex(Verifier.encodeManifest(manifest)),
      key: hex(key)
    }
  })
}

function treeSignatures() {
  const pair = crypto.keyPair(seedOf(1))
  const treeHash = crypto.tree(treeOf([Buffer.from('hello'), Buffer.from('world')]))
  const batch = (length, fork) => ({
    length,
    signable: (context) => caps.treeSignable(context, treeHash, length, fork),
    signableCompat: (legacy) => caps.treeSignableCompat(treeHash, length, fork, legacy)
  })
  const signed = (name, manifest, key, fork, options) => {
    const verifier = new Verifier(key, manifest, options)
    const signature = verifier.sign(batch(2, fork), pair)
    if (!verifier.verify(batch(2, fork), signature)) throw new Error(name)
    const context = verifier.version === 0 ? manifest.signers[0].namespace : key
    const signable = verifier.compat ? batch(2, fork).signableCompat(!!options?.legacy) : batch(2, fork).signable(context)
    return {
      name, manifest: hex(Verifier.encodeManifest(manifest)), key: hex(key), secretKeySeed: hex(seedOf(1)),
      treeHash: hex(treeHash), length: 2, fork, signable: hex(signable), signature: hex(signature)
    }
  }

  const v1 = Verifier.defaultSignerManifest(pair.publicKey)
  const v0 = { ...v1, version: 0 }
  return [0, 3].flatMap((fork) => [
    signed('version 1', v1, Verifier.manifestHash(v1), fork),
    signed('version 0', v0, Verifier.manifestHash(v0), fork),
    signed('compat', v1, pair.publicKey, fork),
    signed('compat, legacy', v1, pair.publicKey, fork, { legacy: true })
  ])
}

async function derivations() {
  const result = []
  for (const primaryKey of [seedOf(5), bytes('primary key', 32)]) {
    const folder = mkdtempSync(join(tmpdir(), 'vectors-'))
    const store = new Corestore(join(folder, 'seven'), { primaryKey, unsafe: true })
    const store6 = new Corestore6(join(folder, 'six'), { primaryKey, unsafe: true })
    for (const path of [[], ['app'], ['app', 'ümläut']]) {
      const [space, space6] = path.reduce(([a, b], name) => [a.namespace(name), b.namespace(name)], [store, store6])
      for (const name of ['foo', 'notes', '']) {
        const pair = await space.createKeyPair(name)
        const core = name === '' ? null : space.get({ name })
        const core6 = name === '' ? null : space6.get({ name })
        await core?.ready()
        await core6?.ready()
        result.push({
          primaryKey: hex(primaryKey),
          path,
          namespace: hex(space.ns),
          name,
          seed: hex(pair.secretKey.subarray(0, 32)),
          publicKey: hex(pair.publicKey),
          key: core ? hex(core.key) : hex(Verifier.manifestHash(Verifier.defaultSignerManifest(pair.publicKey))),
          key6: core6 ? hex(core6.key) : hex(pair.publicKey)
        })
      }
    }

    await store.close()
    await store6.close()
    rmSync(folder, { recursive: true })
  }

  return result
}

save(import.meta.url, {
  blake2b: blake2b(),
  parents: parents(),
  trees: trees(),
  keyPairs: keyPairs(),
  diffieHellman: diffieHellman(),
  refusedPoints: refusedPoints(),
  namespaces: namespaces(),
  capabilities: capabilities(),
  aead: aead(),
  secretStreams: secretStreams(),
  manifests: manifests(),
  treeSignatures: treeSignatures(),
  derivations: await derivations()
})
