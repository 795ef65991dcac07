// Compact encodings as compact-encoding and z32 write them.
import c from 'compact-encoding'
import z32 from 'z32'
import ids from 'hypercore-id-encoding'
import { bytes, hex, number, save } from './lib.mjs'

const of = (codec, values) => values.map((value) => ({ value: String(value), hex: hex(c.encode(codec, value)) }))
const random = (name, bits) => bits.flatMap((n) => [0, 1, 2].map((i) => number(`${name}/${n}/${i}`, n)))

const limits = [0, 1, 0xfb, 0xfc, 0xfd, 0xfe, 0xff, 0x100, 0xffff, 0x10000, 0xffffffff, 0x100000000, Number.MAX_SAFE_INTEGER]
const uints = [...limits, ...random('uint', [8, 12, 16, 20, 32, 40, 48, 53])]
const signed = [0, -1, 1, 126, -126, -127, 127, 2 ** 31, -(2 ** 31) - 1, -(2 ** 52), 2 ** 52 - 1]
const ints = [...signed, ...random('int', [7, 15, 31, 40, 52]).flatMap((n) => [n, -n - 1])]
const texts = ['', 'a', 'hello', 'hypercore/alpha', 'äöü €', '\u{1f33e}', 'x'.repeat(252), 'x'.repeat(253), 'ü'.repeat(300)]

function refused(codec, text) {
  try {
    c.decode(codec, Buffer.from(text, 'hex'))
  } catch {
    return text
  }

  throw new Error(`${text} was expected to be refused`)
}

save(import.meta.url, {
  uint: of(c.uint, uints),
  int: of(c.int, ints),
  uint8: of(c.uint8, [0, 1, 255]),
  uint16: of(c.uint16, [0, 0x1234, 0xffff]),
  uint24: of(c.uint24, [0, 0x123456, 0xffffff]),
  uint32: of(c.uint32, [0, 0x12345678, 0xffffffff]),
  uint64: of(c.uint64, [0, 0x1234567890abc, Number.MAX_SAFE_INTEGER]),
  biguint64: of(c.biguint64, [0n, 2n ** 53n, 2n ** 64n - 1n]),
  bool: of(c.bool, [true, false]),
  string: of(c.string, texts),
  buffer: [0, 1, 5, 252, 253, 1000].map((n) => bytes(`buffer/${n}`, n)).map((value) => ({
    value: hex(value),
    hex: hex(c.encode(c.buffer, value))
  })),
  // Integers in more bytes than they need, which a reader takes.
  nonMinimal: ['fd0100', 'fdfc00', 'fe01000000', 'feffff0000', 'ff0100000000000000', 'ffffffffff00000000'].map((text) => ({
    hex: text,
    value: String(c.decode(c.uint, Buffer.from(text, 'hex')))
  })),
  boolsThatAreFalse: ['00', '02', 'ff'].filter((text) => c.decode(c.bool, Buffer.from(text, 'hex')) === false),
  refused: {
    uint: ['', 'fd', 'fd01', 'fe010203', 'ff01020304050607', 'ff00000000000020 00'.replace(' ', ''), 'ffffffffffffffffff']
      .map((text) => refused(c.uint, text)),
    buffer: ['', '01', '0301', 'fd01', 'fdffff00', 'feffffffff', 'ffffffffffffff1f00'].map((text) => refused(c.buffer, text)),
    string: ['', '05686561', 'fd'].map((text) => refused(c.string, text)),
    fixed32: ['', '00'.repeat(31)].map((text) => refused(c.fixed32, text)),
    uint16: ['', '01'].map((text) => refused(c.uint16, text)),
    uint32: ['010203'].map((text) => refused(c.uint32, text)),
    uint64: ['01020304050607'].map((text) => refused(c.uint64, text))
  },
  z32: [0, 1, 2, 3, 4, 5, 6, 7, 16, 31, 32, 33, 64].map((n) => bytes(`z32/${n}`, n)).map((value) => ({
    hex: hex(value),
    text: z32.encode(value)
  })),
  keys: [0, 1, 2, 3].map((n) => bytes(`key/${n}`, 32)).map((value) => ({ hex: hex(value), text: ids.encode(value) }))
})
