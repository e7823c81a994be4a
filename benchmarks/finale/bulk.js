// Imports NDJSON entries from a file by Sequelize's bulkCreate, in batches of 1,000 in one transaction.
// Prints rows and seconds as JSON.
const fs = require('fs')
const readline = require('readline')
const Sequelize = require('sequelize')

const { DATABASE_URL, SQLITE_STORAGE, SOURCE } = process.env
const BATCH = 1000

const database = DATABASE_URL
  ? new Sequelize(DATABASE_URL, { dialect: 'postgres', logging: false })
  : new Sequelize({ dialect: 'sqlite', storage: SQLITE_STORAGE, logging: false })

const text = (length) => ({ type: Sequelize.STRING(length), allowNull: false })
const integer = () => ({ type: Sequelize.INTEGER, allowNull: false })

const Timesheet = database.define('timesheets', {
  user_type: text(10),
  user_id: text(100),
  date: Sequelize.DATE,
  year: integer(),
  week: integer(),
  day: { type: Sequelize.DATEONLY, allowNull: false },
  project: text(100),
  hours: integer(),
  status: { ...text(9), defaultValue: 'submitted' },
  approved: { type: Sequelize.BOOLEAN, allowNull: false, defaultValue: false },
  reason: Sequelize.STRING(500),
  source: Sequelize.STRING(100),
  external_id: Sequelize.STRING(200),
  created_by: text(255)
}, {
  indexes: [
    { fields: ['source', 'external_id'], unique: true },
    { fields: ['user_id', 'day', 'approved', 'hours'] },
    { fields: ['project', 'day', 'approved', 'hours'] },
    { fields: ['day', 'approved', 'hours'] }
  ]
})

const entry = (line) => {
  const { hours, ...fields } = JSON.parse(line)
  const day = new Date(fields.date).toISOString().slice(0, 10)
  return { ...fields, hours: Math.round(hours * 3600), day, year: 2016, week: 1, created_by: 'bench' }
}

const run = async () => {
  if (SQLITE_STORAGE) await database.query('PRAGMA journal_mode=WAL')
  await database.sync({ force: true })
  const started = process.hrtime.bigint()
  let rows = 0
  await database.transaction(async (transaction) => {
    let batch = []
    const write = async () => {
      await Timesheet.bulkCreate(batch, { transaction })
      rows += batch.length
      batch = []
    }
    for await (const line of readline.createInterface({ input: fs.createReadStream(SOURCE) })) {
      batch.push(entry(line))
      if (batch.length === BATCH) await write()
    }
    if (batch.length) await write()
  })
  const seconds = Number(process.hrtime.bigint() - started) / 1e9
  console.log(JSON.stringify({ rows, seconds }))
  await database.close()
}

run().catch((error) => { console.error(error.message); process.exit(1) })
