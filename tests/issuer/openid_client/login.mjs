// A login with openid-client, which checks every response by the RFCs: discovery (with the issuer),
// the authorization response (state, iss), ID token (signature, nonce, auth_time), userinfo (sub).
//
// Arguments: issuer, client id, client secret or "", redirect URI. It prints URLs that a person
// opens, and reads where the browser was sent; its last line is JSON.
import { webcrypto } from 'node:crypto'
import { createInterface } from 'node:readline'
import * as client from 'openid-client'

globalThis.crypto ??= webcrypto // Before Node 20.
globalThis.CryptoKey ??= webcrypto.CryptoKey

const [, , issuer, id, secret, redirectUri] = process.argv
const terminal = createInterface({ input: process.stdin, output: process.stdout, terminal: false })
const ask = (url) => new Promise((resolve) => {
  terminal.once('line', resolve)
  console.log(String(url))
})

const config = await client.discovery(
  new URL(issuer), id, secret || undefined, secret ? undefined : client.None(),
  { execute: [client.allowInsecureRequests] },
)
const verifier = client.randomPKCECodeVerifier()
const expectedState = client.randomState()
const expectedNonce = client.randomNonce()
const answer = await ask(client.buildAuthorizationUrl(config, {
  redirect_uri: redirectUri,
  scope: 'openid profile offline_access parts_manager',
  state: expectedState,
  nonce: expectedNonce,
  max_age: '60',
  code_challenge: await client.calculatePKCECodeChallenge(verifier),
  code_challenge_method: 'S256',
}))
const checks = { pkceCodeVerifier: verifier, expectedState, expectedNonce, idTokenExpected: true, maxAge: 60 }
const tokens = await client.authorizationCodeGrant(config, new URL(answer), checks)
const { sub } = tokens.claims()
const userinfo = await client.fetchUserInfo(config, tokens.access_token, sub)
const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token)
await client.tokenRevocation(config, refreshed.refresh_token)

const device = await client.initiateDeviceAuthorization(config, { scope: 'openid parts_manager' })
await ask(device.verification_uri_complete)
const ofDevice = await client.genericGrantRequest(
  config, 'urn:ietf:params:oauth:grant-type:device_code', { device_code: device.device_code },
)
console.log(JSON.stringify({
  sub,
  name: userinfo.name,
  scope: tokens.scope,
  refreshed: refreshed.scope,
  device: ofDevice.scope,
}))
terminal.close()
