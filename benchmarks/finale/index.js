// The seed's application, word for word but for what each comment says.
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
  // The harness makes the schema once, by the seed's own sync(), then fills it.
  if (process.argv.includes('--sync')) process.exit(0)
  const port = process.env.SERVER_PORT || 3000
  // The harness talks to loopback only; the seed listens everywhere.
  app.listen(port, '127.0.0.1')
}

startServer().catch((error) => {
  console.error(error)
  process.exit(1)
})
