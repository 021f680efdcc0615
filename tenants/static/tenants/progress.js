/* Follows a tenant's provisioning: asks for the part of the page that changes until it is over. */
(function () {
  "use strict";
  var place = document.getElementById("progress");
  if (!place) return;

  function look() {
    if (place.querySelector("[data-over]")) return;
    fetch(place.dataset.state, { headers: { Accept: "text/html" } })
      .then(function (answer) {
        // A log-in page would come in its place once the session has ended.
        if (!answer.ok || answer.redirected) throw new Error(answer.status);
        return answer.text();
      })
      .then(function (html) {
        if (place.innerHTML !== html) place.innerHTML = html;
      })
      .catch(function () { /* the next look may reach the server again */ })
      .finally(function () { setTimeout(look, 1500); });
  }
  setTimeout(look, 1000);
})();
