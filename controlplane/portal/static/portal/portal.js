/* What HTML and htmx cannot do alone: copy, no double sending, the reader's own time zone,
   and saying so when a part of the page could not be brought up to date. */
(function () {
  "use strict";

  document.addEventListener("click", function (event) {
    var button = event.target.closest("[data-copy]");
    if (!button) return;
    var source = document.getElementById(button.dataset.copy);
    var label = button.querySelector("[data-copy-label]");
    var before = label.textContent;
    source.focus();
    source.select();
    navigator.clipboard.writeText(source.value).then(
      function () {
        label.textContent = button.dataset.copied;
        setTimeout(function () { label.textContent = before; }, 2500);
      },
      function () { /* the text stays selected, for copying by keyboard */ }
    );
  });

  document.addEventListener("click", function (event) {
    var button = event.target.closest("[data-reader-zone]");
    if (!button) return;
    var select = document.getElementById(button.dataset.readerZone);
    var zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    for (var option of select.options) {
      if (option.value === zone) { select.value = zone; select.focus(); return; }
    }
  });

  // The button that was pressed carries the answer, so it is disabled only once that is sent.
  document.addEventListener("submit", function (event) {
    if (!event.target.matches("form[method=post]") || event.defaultPrevented) return;
    var buttons = event.target.querySelectorAll("button[type=submit]");
    setTimeout(function () {
      buttons.forEach(function (button) { button.disabled = true; });
    }, 0);
  });
  window.addEventListener("pageshow", function (event) {
    if (!event.persisted) return;
    document.querySelectorAll("button[type=submit]:disabled").forEach(function (button) {
      button.disabled = false;
    });
  });

  // Support access ends by itself: the server refuses from then on, and here it is said.
  var ends = document.querySelector("[data-ends]");
  if (ends) {
    var words = new Intl.RelativeTimeFormat(document.documentElement.lang, {numeric: "always"});
    setInterval(function () {
      var left = Math.ceil((new Date(ends.dataset.ends) - new Date()) / 60000);
      if (left <= 0) { location.reload(); return; }
      ends.textContent = words.format(left, "minute");
    }, 10000);
  }

  // A field shows where it stands in the document beside it.
  function marked(element) { element.classList.add("is-pointed-at"); }
  function forget() {
    document.querySelectorAll(".is-pointed-at").forEach(function (element) {
      element.classList.remove("is-pointed-at");
    });
  }
  function bringIntoView(paper, element) {
    var outer = paper.getBoundingClientRect(), inner = element.getBoundingClientRect();
    if (inner.top < outer.top || inner.bottom > outer.bottom) {
      paper.scrollTop += inner.top - outer.top - outer.height / 3;
    }
  }
  function pointAt(event) {
    var field = event.target.closest && event.target.closest("[data-points-at]");
    if (!field) return;
    forget();
    var paper = document.querySelector(".paper");
    if (!paper) return;
    var places = paper.querySelectorAll('[data-term~="' + field.dataset.pointsAt + '"]');
    places.forEach(marked);
    var visible = Array.from(places).find(function (place) { return place.getClientRects().length; });
    if (visible) bringIntoView(paper, visible);
  }
  document.addEventListener("focusin", pointAt);
  document.addEventListener("mouseover", pointAt);
  // A link to a line of the source opens the source first.
  document.addEventListener("click", function (event) {
    var link = event.target.closest('a[href^="#L"]');
    var source = document.getElementById("view-source");
    var line = link && document.getElementById(link.getAttribute("href").slice(1));
    if (!line || !source) return;
    event.preventDefault();
    source.checked = true;
    forget();
    marked(line);
    var paper = line.closest(".paper");
    bringIntoView(paper, line);
    paper.scrollIntoView({ block: "nearest" });
    paper.focus({ preventScroll: true });
  });

  function tellStale(isStale) {
    var notice = document.getElementById("stale");
    if (notice) notice.hidden = !isStale;
  }
  document.addEventListener("htmx:sendError", function () { tellStale(true); });
  document.addEventListener("htmx:responseError", function () { tellStale(true); });
  document.addEventListener("htmx:afterRequest", function (event) {
    if (event.detail.successful) tellStale(false);
  });
})();
