// What hyperdht thinks of a NAT after each sample, over samples that are drawn to be undecided often.
import Nat from 'hyperdht/lib/nat.js'
import { number, save } from './lib.mjs'

const address = ({ host, port }) => `${host}:${port}`

function judge(name) {
  const count = 3 + (number(`${name}/count`, 8) % 5)
  const hosts = 1 + (number(`${name}/hosts`, 8) % 2)
  const ports = 1 + (number(`${name}/ports`, 8) % 4)
  const nat = new Nat({ firewalled: number(`${name}/firewalled`, 8) % 16 !== 0, nodes: [] }, null, null)
  const steps = []
  for (let i = 0; i < count; i++) {
    const seenAs = { host: `1.2.3.${1 + (number(`${name}/${i}/host`, 8) % hosts)}`, port: 1000 + (number(`${name}/${i}/port`, 8) % ports) }
    const by = { host: '9.9.9.9', port: 1 + (number(`${name}/${i}/by`, 8) % 12) }
    nat.add(seenAs, by)
    steps.push({ seenAs: address(seenAs), by: address(by), firewall: nat.firewall, sampled: nat.sampled, addresses: nat.addresses && nat.addresses.map(address) })
  }

  return { firewalled: nat.dht.firewalled, steps }
}

save(import.meta.url, { cases: Array.from({ length: 120 }, (_, i) => judge(`nat/${i}`)) })
