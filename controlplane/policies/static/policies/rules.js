/* Completes the names of fields while a rule is typed: arrows choose, Enter or Tab takes one. */
(function () {
  "use strict";
  var MOST = 12;
  var known = {};

  function fieldsOf(address, then) {
    if (known[address]) { then(known[address]); return; }
    fetch(address, {credentials: "same-origin"}).then(function (answer) {
      return answer.json();
    }).then(function (answer) {
      known[address] = answer.fields;
      then(answer.fields);
    });
  }

  /* Of a new policy in the admin, what its rules are about is chosen on the page. */
  function addressOf(area) {
    var chooser = document.getElementById(area.dataset.completesOf || "");
    if (!area.dataset.completesOf) return area.dataset.completes;
    return chooser && chooser.value ? area.dataset.completes + chooser.value + "/" : "";
  }

  function begun(area) {
    var found = /[A-Za-z_][\w.]*$/.exec(area.value.slice(0, area.selectionStart));
    return found ? found[0] : "";
  }

  function close(area) {
    var list = document.getElementById(area.id + "-names");
    if (list) list.remove();
    area.removeAttribute("aria-controls");
  }

  function take(area, name) {
    var start = area.selectionStart - begun(area).length;
    area.setRangeText(name, start, area.selectionStart, "end");
    close(area);
    area.dispatchEvent(new Event("input", {bubbles: true}));
    area.focus();
  }

  function show(area, fields) {
    close(area);
    var text = begun(area).toLowerCase();
    if (text.length < 2) return;
    var fits = fields.filter(function (field) {
      return field.name.toLowerCase().indexOf(text) >= 0 && field.name !== text;
    }).slice(0, MOST);
    if (!fits.length) return;
    var list = document.createElement("ul");
    list.id = area.id + "-names";
    list.className = "names";
    list.setAttribute("role", "listbox");
    fits.forEach(function (field, index) {
      var item = document.createElement("li");
      item.setAttribute("role", "option");
      item.dataset.name = field.name;
      if (index === 0) item.setAttribute("aria-selected", "true");
      var name = document.createElement("code"), meaning = document.createElement("span");
      name.textContent = field.name;
      meaning.textContent = [field.kind, field.text].filter(Boolean).join(" · ");
      item.append(name, meaning);
      item.addEventListener("mousedown", function (event) {
        event.preventDefault();
        take(area, field.name);
      });
      list.append(item);
    });
    area.after(list);
    area.setAttribute("aria-controls", list.id);
  }

  document.addEventListener("input", function (event) {
    var area = event.target;
    if (!area.dataset || !area.dataset.completes || !event.isTrusted) return;
    var address = addressOf(area);
    if (address) fieldsOf(address, function (fields) { show(area, fields); });
  });

  document.addEventListener("keydown", function (event) {
    var area = event.target;
    var list = area.id && document.getElementById(area.id + "-names");
    if (!list) return;
    var chosen = list.querySelector("[aria-selected]");
    if (event.key === "Escape") { close(area); return; }
    if (event.key === "Enter" || event.key === "Tab") {
      event.preventDefault();
      take(area, chosen.dataset.name);
      return;
    }
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    event.preventDefault();
    var next = event.key === "ArrowDown" ? chosen.nextElementSibling : chosen.previousElementSibling;
    if (!next) return;
    chosen.removeAttribute("aria-selected");
    next.setAttribute("aria-selected", "true");
  });

  document.addEventListener("focusout", function (event) {
    if (event.target.dataset && event.target.dataset.completes) close(event.target);
  });
})();
