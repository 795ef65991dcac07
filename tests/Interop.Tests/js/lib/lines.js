// One JSON object a line: requests `{ id, do, ... }` on stdin, answers `{ id, ok }` or `{ id, error }` and
// events `{ event, ... }` on stdout. The process ends with its stdin, so that it never outlives who started it.
const readline = require('readline')

function write(message) {
  process.stdout.write(JSON.stringify(message) + '\n')
}

exports.event = (name, fields) => write({ event: name, ...fields })

exports.serve = function (verbs) {
  const lines = readline.createInterface({ input: process.stdin })
  lines.on('line', async (line) => {
    const { id, do: verb, ...fields } = JSON.parse(line)
    try {
      if (!Object.hasOwn(verbs, verb)) throw new Error(`no verb '${verb}'`)
      write({ id, ok: (await verbs[verb](fields)) || {} })
    } catch (error) {
      write({ id, error: error.message, code: error.code || null, stack: error.stack })
    }
  })
  lines.on('close', () => process.exit(0))
  process.on('unhandledRejection', (error) => exports.event('unhandled', { error: error.stack }))
  exports.event('ready', { pid: process.pid, node: process.version })
}
