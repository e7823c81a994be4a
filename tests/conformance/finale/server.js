// Finale's side: the resources of ../service.py, without a gate. `--sync` creates the tables and exits.
const express = require('express')
const bodyParser = require('body-parser')
const finale = require('finale-rest')
const { Op } = require('sequelize')

const { database, Part, User, Book, Tag, Gadget, Item, Reading, Note } = require('./models')
const { registerHooks, trace } = require('./hooks')

const app = express()
app.use(bodyParser.json())
app.use(bodyParser.urlencoded({ extended: true }))

const initialize = (options) => finale.initialize({ app, sequelize: database, ...options })
// A new array for each resource: Finale modifies the options.
const searches = () => [
  { param: 'named', attributes: ['name'], override: 'STARTS_WITH' },
  { param: 'any', attributes: ['name', 'kind'] },
  { param: 'kind_is', attributes: ['kind'], operator: Op.eq },
  { param: 'ending', attributes: ['name'], operator: Op.endsWith }
]

const resources = () => {
  initialize({ base: '', updateMethod: 'put' })
  finale.resource({ model: Part, endpoints: ['/parts', '/parts/:id'] })
  finale.resource({ model: User, associations: true })
  finale.resource({ model: Book, associations: true })
  finale.resource({ model: Tag, associations: true })
  finale.resource({
    model: User,
    endpoints: ['/slim-users', '/slim-users/:id'],
    associations: { autoPopulate: false }
  })
  finale.resource({
    model: Book,
    endpoints: ['/slim-books', '/slim-books/:id'],
    associations: { removeForeignKeys: true, author: { excludeAttributes: ['email'] } },
    sort: { param: 'order', attributes: ['id', 'author.username'] }
  })
  finale.resource({
    model: Book,
    endpoints: ['/included', '/included/:id'],
    include: [{ model: User, as: 'author', attributes: ['id', 'username'] }],
    excludeAttributes: { own: ['pages'] },
    search: { param: 'q', attributes: ['title', '$author.username$'] }
  })
  finale.resource({
    model: Gadget,
    endpoints: ['/gadgets', '/gadgets/:name'],
    excludeAttributes: ['secret'],
    readOnlyAttributes: ['owner'],
    search: searches(),
    sort: { param: 'sort', attributes: ['name', 'price'], default: '-price' }
  })
  finale.resource({
    model: Gadget,
    endpoints: ['/searched', '/searched/:id'],
    search: [
      { param: 'over', attributes: ['price'], operator: Op.gt },
      { param: 'least', attributes: ['price'], operator: Op.gte },
      { param: 'without', attributes: ['name'], operator: Op.notLike },
      { param: 'other', attributes: ['kind'], operator: Op.ne },
      { param: 'begins', attributes: ['name'], operator: Op.startsWith }
    ]
  })
  finale.resource({
    model: Gadget,
    endpoints: ['/unpaged', '/unpaged/:id'],
    pagination: false,
    actions: ['list']
  })
  finale.resource({ model: Item })
  finale.resource({ model: Reading })
  const notes = finale.resource({ model: Note })
  registerHooks(notes, finale)
  const guarded = finale.resource({ model: Note, endpoints: ['/guarded', '/guarded/:id'] })
  guarded.list.auth.before(() => { throw new finale.Errors.ForbiddenError() })
  const shallow = finale.resource({
    model: User,
    endpoints: ['/shallow', '/shallow/:id'],
    associations: true
  })
  shallow.all.start((req, res, context) => {
    context.shallow = true
    return context.continue
  })
  const adding = finale.resource({
    model: User,
    endpoints: ['/adding', '/adding/:id'],
    associations: true
  })
  adding.all.start((req, res, context) => {
    context.add_to_children = { title: 'set by add_to_children' }
    return context.continue
  })
  initialize({ base: '/v1', updateMethod: 'PATCH' })
  finale.resource({ model: Part, endpoints: ['/parts', '/parts/:id'] })
}

const start = async () => {
  if (process.env.SQLITE_WAL === '1') await database.query('PRAGMA journal_mode=WAL')
  await database.sync()
  if (process.argv.includes('--sync')) process.exit(0)
  resources()
  app.get('/trace', (req, res) => res.json(trace.splice(0)))
  app.listen(process.env.SERVER_PORT, '127.0.0.1')
}

start().catch((error) => {
  console.error(error)
  process.exit(1)
})
