// The docs page: Swagger UI, a login by authorization code with PKCE, and the token of this tab.
"use strict";

(() => {
  const config = JSON.parse(document.body.dataset.config);
  const redirectUri = new URL(config.redirect, location.href).href;
  const channel = new BroadcastChannel("docs-oauth2");

  const ui = SwaggerUIBundle({
    url: config.openapi,
    dom_id: "#swagger-ui",
    presets: [SwaggerUIBundle.presets.apis],
    layout: "BaseLayout",
    deepLinking: true,
    docExpansion: config.expansion,
    defaultModelsExpandDepth: 0,
    filter: true,
    displayRequestDuration: true,
    validatorUrl: null,
    oauth2RedirectUrl: redirectUri,
    onComplete: restore,
    plugins: [
      { statePlugins: { spec: { wrapActions: { setResponse: showingResponse, updateJsonSpec: unfilled } } } },
    ],
  });
  ui.initOAuth({
    clientId: config.clientId,
    scopes: config.scopes,
    additionalQueryStringParams: config.parameters,
    usePkceWithAuthorizationCodeGrant: true,
  });

  // ---- Login: RFC 6749 section 4.1 with PKCE (RFC 7636)

  let login = null;

  async function startLogin() {
    const popup = window.open("", "docs-login", "popup,width=560,height=760");
    if (!popup) {
      say("The browser has blocked the window of the login: allow pop-ups for this page.");
      return;
    }
    login = { state: random(), verifier: random() };
    const url = new URL(config.authorizationUrl);
    const parameters = {
      ...config.parameters,
      response_type: "code",
      client_id: config.clientId,
      redirect_uri: redirectUri,
      scope: config.scopes,
      state: login.state,
      code_challenge: await challengeOf(login.verifier),
      code_challenge_method: "S256",
    };
    Object.entries(parameters).forEach(([name, value]) => url.searchParams.set(name, value));
    popup.location.replace(url.href);
    popup.focus();
  }

  async function finishLogin(code, verifier) {
    const body = new URLSearchParams({
      grant_type: "authorization_code",
      code,
      redirect_uri: redirectUri,
      client_id: config.clientId,
      code_verifier: verifier,
    });
    try {
      const response = await fetch(config.tokenUrl, { method: "POST", body });
      const token = await response.json();
      if (token.access_token) {
        use(token);
      } else {
        say(`The issuer gave no token: ${token.error_description ?? token.error}`);
      }
    } catch {
      say("The issuer's token endpoint cannot be reached from this page, or does not allow it (CORS).");
    }
  }

  function random() {
    return base64url(crypto.getRandomValues(new Uint8Array(32)));
  }

  async function challengeOf(verifier) {
    const bytes = new TextEncoder().encode(verifier);
    return base64url(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
  }

  function base64url(bytes) {
    const text = btoa(String.fromCharCode(...bytes));
    return text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  }

  // ---- The issuer's response, which the page at redirectUri sends on

  channel.onmessage = ({ data: answer }) => {
    const own = login !== null && answer.state === login.state;
    const flow = window.swaggerUIRedirectOauth2; // A login of Swagger UI's own dialog.
    if (!answer.state || !(own || answer.state === flow?.state)) {
      return; // Of another page, or not asked for.
    }
    channel.postMessage(answer.state); // Received.
    const problem = problemOf(answer);
    if (own) {
      const { verifier } = login;
      login = null; // One response only.
      if (problem) {
        say(problem);
      } else {
        finishLogin(answer.code, verifier);
      }
      return;
    }
    delete flow.state;
    if (problem) {
      flow.errCb({ authId: flow.auth.name, source: "auth", level: "error", message: problem });
    } else {
      flow.auth.code = answer.code;
      flow.callback({ auth: flow.auth, redirectUrl: flow.redirectUrl });
    }
  };

  function problemOf(answer) {
    if (answer.iss !== undefined && answer.iss !== config.issuer) {
      return `The response is not of ${config.issuer}, but of ${answer.iss}.`; // RFC 9207
    }
    if (answer.error) {
      return `The issuer refused: ${answer.error_description ?? answer.error}`;
    }
    return answer.code ? "" : "The issuer's response has no code.";
  }

  // ---- The token: for every scheme, and for this tab until it expires

  const KEPT = `token ${config.openapi}`;
  let shown;

  function use(token, until = expiryOf(token)) {
    Object.entries(ui.specSelectors.securityDefinitions()?.toJS() ?? {}).forEach(([name, schema]) => {
      if (schema.type === "oauth2") {
        ui.authActions.authorizeOauth2({ auth: { name, schema, until }, token });
      } else {
        ui.authActions.authorize({ [name]: { name, schema, until, value: token.access_token } });
      }
    });
  }

  function expiryOf(token) {
    if (token.expires_in) {
      return Date.now() + 1000 * token.expires_in;
    }
    try {
      const payload = token.access_token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
      return 1000 * JSON.parse(atob(payload)).exp || null;
    } catch {
      return null; // Not a JWT.
    }
  }

  function restore() {
    shown = ui.authSelectors.authorized();
    ui.getStore().subscribe(keep);
    const { token, until } = JSON.parse(sessionStorage.getItem(KEPT) ?? "{}");
    if (token && (until === null || until > Date.now())) {
      use(token, until);
    }
  }

  function forget() {
    ui.authActions.logout(Object.keys(ui.authSelectors.authorized().toJS()));
  }

  function keep() {
    const authorized = ui.authSelectors.authorized();
    if (authorized === shown) {
      return;
    }
    shown = authorized;
    const [entry] = Object.values(authorized?.toJS() ?? {});
    const token = entry && (entry.token ?? { access_token: entry.value });
    document.getElementById("forget").hidden = !token;
    if (!token) {
      sessionStorage.removeItem(KEPT);
      say("");
      return;
    }
    const until = entry.until === undefined ? expiryOf(token) : entry.until;
    sessionStorage.setItem(KEPT, JSON.stringify({ token, until }));
    say(`Requests send your token${until ? `, which is valid until ${timeOf(until)}` : ""}.`);
  }

  function timeOf(milliseconds) {
    return new Date(milliseconds).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  }

  function say(text) {
    document.getElementById("token-state").textContent = text;
  }

  // ---- Examples of optional parameters: told, instead of sent
  //
  // Swagger UI fills in every example: a list would be asked for rows that all filters match.

  function unfilled(updateJsonSpec) {
    return (document) => updateJsonSpec(withoutExamples(document));
  }

  function withoutExamples(document) {
    const items = Object.values(document.paths ?? {});
    const operations = items.flatMap((item) => [item, ...Object.values(item)]);
    const shared = Object.values(document.components?.parameters ?? {});
    const parameters = operations.flatMap((operation) => operation?.parameters ?? []);
    [...shared, ...parameters].filter(({ $ref, required }) => !$ref && !required).forEach((parameter) => {
      const { example, examples, schema = {} } = parameter;
      const [named] = Object.values(examples ?? {});
      const shown = example ?? named?.value ?? schema.example ?? schema.examples?.[0];
      if (shown === undefined) {
        return;
      }
      delete parameter.example;
      delete parameter.examples;
      parameter.schema = { ...schema };
      delete parameter.schema.example;
      delete parameter.schema.examples;
      if (schema.default === undefined) {
        const text = Array.isArray(shown) ? shown.join(",") : typeof shown === "string" ? shown : JSON.stringify(shown);
        const told = parameter.description ? `${parameter.description}. ` : "";
        parameter.description = `${told}For example \`${text}\``;
      }
    });
    return document;
  }

  // ---- The response to a request, which is below many parameters

  let executed = null;

  function showingResponse(setResponse) {
    return (...values) => {
      const result = setResponse(...values);
      setTimeout(() => executed?.querySelector(".live-responses-table")?.scrollIntoView({ block: "center" }));
      return result;
    };
  }

  document.addEventListener("click", ({ target }) => {
    executed = target.closest(".execute")?.closest(".opblock") ?? executed;
  });

  // ---- The controls above

  document.querySelectorAll("[data-redirect]").forEach((element) => {
    element.textContent = redirectUri;
  });
  const button = document.getElementById("login");
  if (button && !window.isSecureContext) {
    button.disabled = true; // Browsers compute no challenge for pages over http.
    say("To log in, open this page by https.");
  }
  button?.addEventListener("click", startLogin);
  document.getElementById("forget").addEventListener("click", forget);
  document.getElementById("token-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const field = document.getElementById("token");
    const token = field.value.trim().replace(/^Bearer +/i, "");
    field.value = "";
    if (token) {
      use({ access_token: token });
    }
  });
})();
