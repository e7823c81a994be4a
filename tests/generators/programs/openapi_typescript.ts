// Creates, reads, changes and deletes with openapi-fetch, typed by openapi-typescript.
// Compiled by tsc and run by node: API_URL and the tokens are of a running service.

import assert from "node:assert/strict";
import createClient, { type Client } from "openapi-fetch";
import type { components, paths } from "./schema.js";

type Part = components["schemas"]["Part"];

function connect(token: string | undefined): Client<paths> {
  const headers = { Authorization: `Bearer ${token}` };
  return createClient<paths>({ baseUrl: process.env.API_URL, headers });
}

const client = connect(process.env.API_TOKEN);
const approver = connect(process.env.APPROVER_TOKEN);

async function checkParts(): Promise<void> {
  const { data: part, error } = await client.POST("/parts", { body: { name: "Nut", partNumber: "n-1" } });
  assert(part, JSON.stringify(error));
  const name: string | null = part.name;
  assert.equal(name, "Nut");
  const query = { name: ["Nut"], sort: ["-id", "name"] as ["-id", "name"], count: 10 };
  const { data: listed } = await client.GET("/parts", { params: { query } });
  assert.deepEqual(listed?.[0], part);
  const params = { path: { id: part.id } };
  const changed = await client.PATCH("/parts/{id}", { params, body: { description: "hexagonal" } });
  assert.equal(changed.data?.description, "hexagonal");
  const cleared = await client.PUT("/parts/{id}", { params, body: { description: null } });
  const read = await client.GET("/parts/{id}", { params });
  assert.deepEqual(read.data satisfies Part | undefined, cleared.data);
  const deleted = await client.DELETE("/parts/{id}", { params });
  assert.equal(deleted.response.status, 200);
}

async function checkManyParts(): Promise<void> {
  const rows = [0, 1, 2].map((number) => ({ name: `many ${number}` }));
  const created = await client.POST("/parts/bulk", { body: rows });
  assert(created.data && "created" in created.data);
  const ids = created.data.rows.map((row) => row.id);
  assert.equal(created.data.created, 3);
  const changes = ids.map((id) => ({ id: id!, modelNumber: "m" }));
  const changed = await client.PATCH("/parts", { body: changes });
  assert(changed.data && "updated" in changed.data);
  assert.equal(changed.data.updated, 3);
  const query = { id__in: ids.map((id) => id!) };
  const affected = await client.DELETE("/parts", { params: { query } });
  assert(affected.data && "affected" in affected.data);
  assert.equal(affected.data.affected, 3);
}

async function checkTimesheets(): Promise<void> {
  const body = { user_id: "ada", project: "encore", hours: 7.5, date: "2026-11-02T09:00:00Z" };
  const { data: entry, error } = await client.POST("/timesheets", { body });
  assert(entry, JSON.stringify(error));
  const params = { path: { id: entry.id } };
  const decision = { version: entry.version, status: "rejected", reason: "no" } as const;
  const { data: rejected } = await approver.PATCH("/approvals/{id}", { params, body: decision });
  assert.equal(rejected?.status, "rejected");
}

async function checkErrors(): Promise<void> {
  const missing = await client.GET("/parts/{id}", { params: { path: { id: 2_000_000 } } });
  assert.deepEqual([missing.error?.status, missing.error?.type], [404, "urn:problem-type:not-found"]);
  const invalid = await client.POST("/parts", { body: { name: "x".repeat(256) } });
  const error = invalid.error?.errors[0];
  assert(typeof error === "object");
  assert.equal(error.field, "name");
  // @ts-expect-error - the name of a part is a string
  const mistyped = await client.POST("/parts", { body: { name: {} } });
  assert.equal(mistyped.response.status, 400);
}

await checkParts();
await checkManyParts();
await checkTimesheets();
await checkErrors();
