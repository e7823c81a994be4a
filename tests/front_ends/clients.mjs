// Calls data providers and starts reference servers, as requests on standard input ask for.
//
// Each line is a JSON object; each answer is a line too. {"provider", "method", "args", "url",
// "token"} calls a method of a data provider (a package, or a file that exports one) and answers
// {"result"} or {"error"}, and the requests that it has sent. {"server", "rows"} starts a reference
// server and answers its {"url"}.

import { createInterface } from "node:readline";
import http from "node:http";

const sent = [];
let current = "";
const realFetch = globalThis.fetch;

globalThis.fetch = (url, options = {}) => {
  const headers = Object.fromEntries(new Headers(options.headers).entries());
  const { method = "GET", body = null } = options;
  sent.push({ method, url: String(url), headers, body });
  return realFetch(url, options);
};

async function reactAdmin(name, url, token) {
  const { fetchUtils } = await import("ra-core");
  const { default: provider } = await import(name);
  const client = (target, options = {}) =>
    fetchUtils.fetchJson(target, {
      ...options,
      user: { authenticated: true, token: `Bearer ${token}` },
    });
  return provider(url, client);
}

// Its axios instance is one for all services.
async function refine(url) {
  const { default: provider, axiosInstance } = await import("@refinedev/simple-rest");
  if (axiosInstance.interceptors.request.handlers.length === 0) observe(axiosInstance);
  return provider(url);
}

function observe(axiosInstance) {
  axiosInstance.interceptors.request.use((config) => {
    config.headers.Authorization = `Bearer ${current}`;
    const headers = Object.fromEntries(Object.entries(config.headers.toJSON()).map(lowered));
    const method = config.method.toUpperCase();
    sent.push({ method, url: config.url, headers, body: config.data ?? null });
    return config;
  });
}

const lowered = ([name, value]) => [name.toLowerCase(), value];

const providers = {};

// A module of the documentation, which is executed once: it takes what its text leaves open.
async function documented(file, url) {
  globalThis.apiUrl = url;
  globalThis.getToken = () => current;
  return (await import(file)).dataProvider;
}

function create(name, url, token) {
  if (name.startsWith("/")) return documented(name, url);
  return name === "@refinedev/simple-rest" ? refine(url) : reactAdmin(name, url, token);
}

async function provider(name, url, token) {
  const key = `${name} ${url} ${token}`;
  providers[key] ??= await create(name, url, token);
  return providers[key];
}

async function call({ provider: name, method, args, url, token }) {
  const dataProvider = await provider(name, url, token);
  sent.length = 0;
  current = token;
  try {
    return { result: await dataProvider[method](...args), requests: [...sent] };
  } catch (error) {
    const { message, status, statusCode, body } = error;
    return { error: { message, status: status ?? statusCode, body }, requests: [...sent] };
  }
}

async function jsonServer(rows) {
  const { default: server } = await import("json-server");
  const app = server.create();
  app.use(server.router({ rows }));
  return http.createServer(app);
}

async function fakeRest(rows) {
  const { SimpleRestServer } = await import("fakerest");
  const server = new SimpleRestServer({ data: { rows }, loggingEnabled: false });
  return http.createServer(async (request, response) => {
    const url = new URL(request.url, "http://localhost");
    const params = {};
    for (const [name, text] of url.searchParams) params[name] = JSON.parse(text);
    const answer = await server.handle({
      url: request.url, method: request.method, headers: new Headers(), params, requestBody: undefined,
    });
    response.writeHead(answer.status, answer.headers);
    response.end(JSON.stringify(answer.body ?? null));
  });
}

async function start({ server: name, rows }) {
  const server = await { "json-server": jsonServer, fakerest: fakeRest }[name](rows);
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${server.address().port}` };
}

for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  const answer = await (request.server ? start(request) : call(request));
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
process.exit(0);
