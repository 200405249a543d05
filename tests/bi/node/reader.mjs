// Reads the views as a tool on @clickhouse/client does, and prints one JSON object a line: what tests/bi/reading.py says.
// Arguments: URL, database, a relation with parameters. Statements come on standard input, with NUL between them.
import { createClient } from '@clickhouse/client'
import { readFileSync } from 'node:fs'

const [url, database, parametrized] = process.argv.slice(2)
const client = createClient({
  url,
  database,
  username: 'bi_reader',
  session_id: 'a-session-of-node',
  compression: { response: true },
  // Without it UInt64 and Int64 arrive as numbers, which hold 53 bits.
  clickhouse_settings: { output_format_json_quote_64bit_integers: 1 },
})

const say = (step, about, rest) => console.log(JSON.stringify({ step, about, ...rest }))

async function attempt(step, about, work) {
  try {
    await work()
  } catch (error) {
    say(step, about, { failed: String(error.message) })
  }
}

async function rows(query, query_params = {}) {
  const result = await client.query({ query, query_params, format: 'JSONCompactEachRow' })
  return await result.json()
}

const text = (cell) => (cell === null ? null : String(cell))

async function countOf(relation) {
  const [[count]] = await rows(`SELECT count() FROM ${relation}`)
  return Number(count)
}

async function describe(view) {
  const sql = `SELECT name, type, comment FROM system.columns WHERE database = {database: String} AND table = {view: String}
    ORDER BY position`
  say('describe', view, { columns: await rows(sql, { database, view }) })
}

// A third of the view at a time.
async function page(view, relation, count) {
  const size = Math.floor(count / 3) + 1
  const head = await client.query({ query: `SELECT * FROM ${relation} LIMIT 0`, format: 'JSONCompact' })
  const columns = (await head.json()).meta.map(({ name }) => `\`${name}\``).join(', ')
  const sql = `SELECT * FROM ${relation} ORDER BY ${columns} LIMIT {size: UInt32} OFFSET {offset: UInt32}`
  for (let offset = 0; offset < count; offset += size) {
    const found = await rows(sql, { size, offset })
    say('page', view, { rows: found.map((row) => row.map(text)) })
  }
}

async function readView(view) {
  const isParametrized = parametrized.startsWith(`${view}(`)
  const relation = isParametrized ? parametrized : view
  if (!isParametrized) await attempt('describe', view, () => describe(view))
  await attempt('count', view, async () => {
    const count = await countOf(relation)
    say('count', view, { count: String(count) })
    await attempt('page', view, () => page(view, relation, count))
  })
}

// As a stream, row by row.
async function readLong() {
  const query = 'SELECT number, toString(number) FROM numbers(300000)'
  const result = await client.query({ query, format: 'JSONCompactEachRow' })
  let found = 0
  let sum = 0
  for await (const batch of result.stream()) {
    for (const row of batch) {
      const [number, digits] = row.json()
      found += 1
      sum += Number(number) + digits.length
    }
  }
  say('long', '', { rows: String(found), sum: String(sum) })
}

const [[version]] = await rows('SELECT version()')
say('connect', '', { version })
let views = []
await attempt('list', '', async () => {
  views = (await rows('SELECT name FROM system.tables WHERE database = {database: String}', { database })).flat()
  say('list', '', { views })
})
for (const view of views) await readView(view)
await attempt('refused', '', () => countOf('events'))
await attempt('wrong_name', '', () => countOf('v_no_such_view'))
await attempt('wrong_column', '', () => rows('SELECT no_such_column FROM v_clock'))
await attempt('long', '', readLong)
for (const sql of readFileSync(0, 'utf8').split('\0')) {
  await attempt('statement', sql, async () => say('statement', sql, { rows: (await rows(sql)).length }))
}
await client.close()
