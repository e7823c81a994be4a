// Hooks that write down their order, and that do what `X-Do: place=what,place=what` asks.
const MILESTONES = ['start', 'auth', 'fetch', 'data', 'write', 'send', 'complete']
const ACTIONS = ['create', 'list', 'read', 'update', 'delete']

const trace = []

const deeds = (finale, place) => ({
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

const follow = (resource, finale) => {
  for (const action of ACTIONS) {
    for (const milestone of MILESTONES) {
      for (const moment of ['before', 'action', 'after']) {
        const place = `${milestone}.${moment}`
        const hook = (req, res, context) => {
          trace.push(`${action} ${place}`)
          const asked = (req.get('x-do') || '').split(',').map((one) => one.split('='))
          const [, what] = asked.find(([where]) => where === place) || [place, 'continue']
          return deeds(finale, place)[what](req, res, context)
        }
        const register = resource[action][milestone]
        if (moment === 'action') register(hook)
        else register[moment](hook)
      }
    }
  }
}

module.exports = { follow, trace }
