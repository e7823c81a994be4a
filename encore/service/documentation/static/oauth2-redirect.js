// Hands the issuer's response (RFC 6749 section 4.1.2) to the page that has opened this window.
// By a channel and not by window.opener, which an issuer's Cross-Origin-Opener-Policy removes.
"use strict";

(() => {
  const channel = new BroadcastChannel("docs-oauth2");
  const answer = Object.fromEntries(new URLSearchParams(location.search));
  history.replaceState(null, "", location.pathname); // The code is not for the browser's history.
  channel.onmessage = ({ data }) => {
    if (data === answer.state) {
      window.close();
    }
  };
  channel.postMessage(answer);
  setTimeout(() => {
    document.getElementById("message").textContent =
      "No documentation page of this browser waits for this answer. Close this window, and log in again.";
  }, 3000);
})();
