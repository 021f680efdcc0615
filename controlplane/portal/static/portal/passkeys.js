/* Passkeys: asks the device and sends its answer with the form that asked for it.
   `webauthnJSON` (allauth's) turns the options into what browsers take, and back. */
(function () {
  "use strict";

  async function optionsOf(form) {
    if (form.dataset.passkeyOptions) {
      return JSON.parse(document.getElementById(form.dataset.passkeyOptions).textContent);
    }
    var answer = await fetch(form.dataset.passkeyFrom, { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error("no options for a passkey: " + answer.status);
    return (await answer.json()).request_options;
  }

  async function credentialOf(form) {
    var options = await optionsOf(form);
    if (form.dataset.passkey === "ask") return webauthnJSON.get(options);
    // A key that can be used alone asks for a finger, a face or a PIN.
    var alone = form.elements.passwordless && form.elements.passwordless.checked;
    var selection = options.publicKey.authenticatorSelection;
    selection.residentKey = alone ? "required" : "discouraged";
    selection.requireResidentKey = Boolean(alone);
    if (alone) selection.userVerification = "required";
    return webauthnJSON.create(options);
  }

  // Before portal.js, which would switch the button off while the device is still asked.
  document.addEventListener("submit", function (event) {
    var form = event.target.closest("form[data-passkey]");
    if (!form) return;
    event.preventDefault();
    credentialOf(form).then(
      function (credential) {
        form.elements.credential.value = JSON.stringify(credential);
        form.submit();
      },
      function () { form.querySelector("[data-passkey-failed]").hidden = false; }
    );
  }, true);
})();
