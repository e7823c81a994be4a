// The docs page: Swagger UI with login by authorization code and PKCE (RFC 7636).
"use strict";

(() => {
  const config = JSON.parse(document.body.dataset.config);
  const KEPT = `authorization ${config.openapi}`;
  const SECRETS = ["clientSecret", "password"];

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
    showExtensions: false,
    validatorUrl: null,
    oauth2RedirectUrl: new URL(config.redirect, location.href).href,
    onComplete: restore,
  });
  ui.initOAuth({
    clientId: config.clientId,
    scopes: config.scopes,
    additionalQueryStringParams: config.parameters,
    usePkceWithAuthorizationCodeGrant: true,
  });
  document.querySelectorAll("[data-redirect]").forEach((element) => {
    element.textContent = new URL(config.redirect, location.href).href;
  });

  // The issuer's response, which the page at oauth2RedirectUrl sends on.
  const channel = new BroadcastChannel("docs-oauth2");
  channel.onmessage = ({ data: answer }) => {
    const flow = window.swaggerUIRedirectOauth2;
    if (!flow || !answer.state || answer.state !== flow.state) {
      return; // Of another page, or not asked for.
    }
    delete flow.state; // One response only.
    channel.postMessage("received");
    const problem = problemOf(answer);
    if (problem) {
      flow.errCb({ authId: flow.auth.name, source: "auth", level: "error", message: problem });
    } else {
      flow.auth.code = answer.code;
      flow.callback({ auth: flow.auth, redirectUrl: flow.redirectUrl });
    }
  };

  function problemOf(answer) {
    if (answer.iss !== undefined && answer.iss !== config.issuer) {
      return `The response is of another issuer: ${answer.iss}`; // RFC 9207, mix-up.
    }
    if (answer.error) {
      return [answer.error, answer.error_description].filter(Boolean).join(": ");
    }
    return answer.code ? "" : "The issuer's response has no code";
  }

  // Tokens are kept for this tab until they expire; secrets are not.
  let last = null;
  ui.getStore().subscribe(() => {
    const authorized = ui.authSelectors.authorized();
    if (authorized === last || !authorized) {
      return;
    }
    last = authorized;
    const kept = Object.entries(authorized.toJS()).map(([name, { token, ...rest }]) => {
      SECRETS.forEach((secret) => delete rest[secret]);
      const seconds = token?.expires_in ?? 3600;
      return [name, { ...rest, token, until: rest.until ?? Date.now() + 1000 * seconds }];
    });
    sessionStorage.setItem(KEPT, JSON.stringify(Object.fromEntries(kept)));
    show(kept.length ? "A token is used." : "");
  });

  function restore() {
    const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? "{}");
    const valid = Object.entries(kept).filter(([, { until }]) => until > Date.now());
    if (valid.length) {
      ui.authActions.authorize(Object.fromEntries(valid));
    }
  }

  function show(state) {
    document.getElementById("token-state").textContent = state;
  }

  document.getElementById("token-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const field = document.getElementById("token");
    const token = field.value.trim().replace(/^Bearer +/i, "");
    field.value = "";
    const schemes = ui.specSelectors.securityDefinitions();
    if (!token || !schemes) {
      return;
    }
    const authorized = schemes.entrySeq().map(([name, schema]) => {
      const isOAuth = schema.get("type") === "oauth2";
      const value = isOAuth ? { token: { access_token: token, token_type: "Bearer" } } : { value: token };
      return [name, { name, schema: schema.toJS(), ...value }];
    });
    ui.authActions.authorize(Object.fromEntries(authorized.toJS()));
  });
})();
