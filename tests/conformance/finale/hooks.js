// Hooks that record their order, and do what `X-Hooks: stage.timing=behaviour` asks.
const STAGES = ['start', 'auth', 'fetch', 'data', 'write', 'send', 'complete']
const ACTIONS = ['create', 'list', 'read', 'update', 'delete']

const trace = []

const createBehaviours = (finale, place) => ({
  continue: (req, res, context) => context.continue,
  skip: (req, res, context) => context.skip,
  stop: (req, res, context) => {
    res.status(202).json({ stopped: place })
    return context.stop
  },
  refuse: () => { throw new finale.Errors.ForbiddenError('Not yours', ['owner']) },
  fail: () => { throw new Error('the secret of the house') },
  criteria: (req, res, context) => {
    context.criteria = { owner: 'ann' }
    return context.continue
  },
  narrow: (req, res, context) => {
    context.criteria = { text: 'second' }
    return context.continue
  },
  own: (req, res, context) => {
    context.criteria = { id: 2 }
    return context.continue
  },
  attributes: (req, res, context) => {
    context.attributes = { text: 'set by a hook', owner: 'hook' }
    return context.continue
  },
  count: (req, res, context) => {
    context.count = 1
    context.offset = 1
    return context.continue
  },
  instance: (req, res, context) => {
    context.instance = { instead: true }
    return context.continue
  }
})

const registerHooks = (resource, finale) => {
  for (const action of ACTIONS) {
    for (const stage of STAGES) {
      for (const timing of ['before', 'action', 'after']) {
        const place = `${stage}.${timing}`
        const hook = (req, res, context) => {
          trace.push(`${action} ${place}`)
          const requested = (req.get('x-hooks') || '').split(',').map((item) => item.split('='))
          const [, behaviour] = requested.find(([where]) => where === place) || [place, 'continue']
          return createBehaviours(finale, place)[behaviour](req, res, context)
        }
        const register = resource[action][stage]
        if (timing === 'action') register(hook)
        else register[timing](hook)
      }
    }
  }
}

module.exports = { registerHooks, trace }
