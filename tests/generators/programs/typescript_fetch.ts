// Creates, reads, changes and deletes with the package of openapi-generator's typescript-fetch.
// Compiled with it by tsc and run by node: API_URL and the tokens are of a running service.

import assert from "node:assert/strict";
import {
  ApprovalsApi,
  Configuration,
  DecisionStatusEnum,
  PartsApi,
  ProblemFromJSON,
  ResponseError,
  TimesheetsApi,
  instanceOfAffected,
  instanceOfReport,
  type Problem,
} from "./client/index.js";

function configure(token: string | undefined): Configuration {
  // The generated code sends it as the whole header, because the scheme is OAuth 2.0.
  return new Configuration({ basePath: process.env.API_URL, accessToken: `Bearer ${token}` });
}

const parts = new PartsApi(configure(process.env.API_TOKEN));
const timesheets = new TimesheetsApi(configure(process.env.API_TOKEN));
const approvals = new ApprovalsApi(configure(process.env.APPROVER_TOKEN));

async function problemOf(request: Promise<unknown>): Promise<Problem> {
  const error = await request.then(() => null, (reason) => reason);
  assert(error instanceof ResponseError);
  return ProblemFromJSON(await error.response.json());
}

async function checkParts(): Promise<void> {
  const part = await parts.createPart({ partCreate: { name: "Nut", partNumber: "n-1" } });
  assert.equal(part.name, "Nut");
  assert.equal(part.description, null);
  assert(part.createdAt instanceof Date);
  const listed = await parts.listParts({ name: ["Nut"], sort: ["-id"], count: 10 });
  assert.deepEqual(listed[0], part);
  const changed = await parts.patchPart({ id: part.id, partUpdate: { description: "hexagonal" } });
  assert.equal(changed?.description, "hexagonal");
  const cleared = await parts.updatePart({ id: part.id, partUpdate: { description: null } });
  assert.equal(cleared?.description, null);
  assert.deepEqual(await parts.getPart({ id: part.id }), cleared);
  await parts.deletePart({ id: part.id });
}

async function checkManyParts(): Promise<void> {
  const rows = [0, 1, 2].map((number) => ({ name: `washer ${number}` }));
  const created = await parts.bulkCreateParts({ partCreate: rows });
  assert(created && instanceOfReport(created));
  assert.equal(created.created, 3);
  const affected = await parts.updateParts({
    nameStartswith: "washer ",
    updatePartsRequest: { modelNumber: "m" },
  });
  assert(affected && instanceOfAffected(affected));
  assert.equal(affected.affected, 3);
}

async function checkTimesheets(): Promise<void> {
  const date = new Date("2026-11-02T09:00:00Z");
  const entry = await timesheets.createTimesheet({
    timesheetCreate: { userId: "ada", project: "encore", hours: 7.5, date, userType: "Contractor" },
  });
  assert.equal(entry.hours, 7.5);
  assert.deepEqual(entry.date, date);
  const decision = { version: entry.version, status: DecisionStatusEnum.Rejected, reason: "no" };
  const rejected = await approvals.patchApproval({ id: entry.id, decision });
  assert.deepEqual([rejected?.status, rejected?.reason], ["rejected", "no"]);
}

async function checkErrors(): Promise<void> {
  const missing = await problemOf(parts.getPart({ id: 2_000_000 }));
  assert.deepEqual([missing.status, missing.type], [404, "urn:problem-type:not-found"]);
  const invalid = await problemOf(parts.createPart({ partCreate: { name: "x".repeat(256) } }));
  const [error] = invalid.errors;
  assert(typeof error === "object");
  assert.equal(error.field, "name");
}

await checkParts();
await checkManyParts();
await checkTimesheets();
await checkErrors();
