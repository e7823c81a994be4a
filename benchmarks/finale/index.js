// The sample's application. Changed: what the comments say.
require('dotenv').config({ quiet: true })
const express = require('express')
const bodyParser = require('body-parser')

const authMiddleware = require('./auth')
const initializeDatabase = require('./database')

const app = express()
app.use(bodyParser.json())
app.use(authMiddleware)

const startServer = async () => {
  await initializeDatabase(app)
  // The harness creates the schema once with the sample's own sync(), then inserts rows.
  if (process.argv.includes('--sync')) process.exit(0)
  const port = process.env.SERVER_PORT || 3000
  // The sample listens on all interfaces, here only on loopback.
  app.listen(port, '127.0.0.1')
}

startServer().catch((error) => {
  console.error(error)
  process.exit(1)
})
