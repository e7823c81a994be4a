// The sample's model and resource. Changed: the environment selects the database, statements are
// not logged, and SQLITE_WAL=1 enables WAL mode.
const Sequelize = require('sequelize')
const finale = require('finale-rest')

const { DATABASE_URL, SQLITE_STORAGE, SQLITE_WAL } = process.env

const database = DATABASE_URL
  ? new Sequelize(DATABASE_URL, { dialect: 'postgres', logging: false })
  : new Sequelize({ dialect: 'sqlite', storage: SQLITE_STORAGE || './test.sqlite', logging: false })

const Part = database.define('parts', {
  partNumber: Sequelize.STRING,
  modelNumber: Sequelize.STRING,
  name: Sequelize.STRING,
  description: Sequelize.TEXT
})

const initializeDatabase = async (app) => {
  finale.initialize({ app, sequelize: database })

  finale.resource({
    model: Part,
    endpoints: ['/parts', '/parts/:id']
  })

  if (SQLITE_WAL === '1') await database.query('PRAGMA journal_mode=WAL')
  await database.sync()
}

module.exports = initializeDatabase
