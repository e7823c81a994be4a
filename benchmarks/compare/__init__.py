"""Drives real finale-rest and this service's engine with the same requests.

`make compare` prints where they differ, and fails where that is not what `expected` lists. The
readable form of that list is docs/how-to/finale.md.

Modules: `models`, `schema`, `trace` and `service` are our side, `../finale/compare.js` with
`library.js` and `trace.js` theirs; `rows` is what both databases hold, `cases` what is asked,
`sides` runs the two servers, `answers` makes their answers comparable, `expected` says how they
differ and why, `verdict` holds one against the other, `command` prints it.
"""
