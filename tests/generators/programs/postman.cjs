// Sends requests of the collection that Postman's converter has made, as an import into Postman.
// API_URL and API_TOKEN are of a running service; COLLECTION is the collection's file.

const assert = require("node:assert/strict");
const { readFileSync } = require("node:fs");
const newman = require("newman");

const collection = JSON.parse(readFileSync(process.env.COLLECTION, "utf-8"));

// What a person does: send these requests in this order, with a token and the id of the new part.
const STEPS = [
  ["POST", "parts", 201, "pm.collectionVariables.set('id', pm.response.json().id);"],
  ["GET", "parts", 200, "pm.expect(pm.response.json()).to.be.an('array').that.is.not.empty;"],
  ["GET", "parts/:id", 200, "pm.expect(pm.response.json().createdAt).to.be.a('string');"],
  ["PUT", "parts/:id", 200, ""],
  ["PATCH", "parts/:id", 200, ""],
  ["DELETE", "parts/:id", 200, ""],
  ["GET", "parts/:id", 404, "pm.expect(pm.response.json().type).to.match(/not-found$/);"],
];

function* requestsOf(items) {
  for (const item of items) {
    if (item.item) yield* requestsOf(item.item);
    else yield item;
  }
}

function find(method, path) {
  const found = [...requestsOf(collection.item)].find(
    ({ request }) => request.method === method && request.url.path.join("/") === path,
  );
  assert(found, `${method} ${path} is not in the collection`);
  return structuredClone(found);
}

const items = STEPS.map(([method, path, status, check]) => {
  const item = find(method, path);
  delete item.request.auth;
  // A person unticks these: their examples are of other states of the row.
  for (const header of item.request.header) header.disabled = header.key.startsWith("If-");
  for (const variable of item.request.url.variable ?? []) variable.value = `{{${variable.key}}}`;
  const exec = [
    `pm.test("${method} ${path} is ${status}", () => {`,
    `pm.expect(pm.response.code, pm.response.text()).to.equal(${status});${check}});`,
  ];
  return { ...item, event: [{ listen: "test", script: { type: "text/javascript", exec } }] };
});
const auth = { type: "bearer", bearer: [{ key: "token", value: process.env.API_TOKEN }] };
const variable = [{ key: "baseUrl", value: process.env.API_URL }];

newman.run({ collection: { ...collection, item: items, auth, variable } }, (error, summary) => {
  assert.ifError(error);
  assert.deepEqual(summary.run.failures.map((failure) => failure.error.message), []);
  assert.equal(summary.run.stats.assertions.total, STEPS.length);
});
