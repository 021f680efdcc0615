/* The brand as it is typed. The arithmetic is that of controlplane/portal/colors.py; a test compares
   the two, so that the preview shows what the portal will show. */
(function () {
  "use strict";
  var LIGHT = "#f1efe9", DARK = "#262924", TEXT = 4.5, SHAPE = 3.0;

  function channels(color) {
    return [1, 3, 5].map(function (at) { return parseInt(color.substr(at, 2), 16) / 255; });
  }
  function luminance(color) {
    var l = channels(color).map(function (c) {
      return c <= 0.04045 ? c / 12.92 : Math.pow((c + 0.055) / 1.055, 2.4);
    });
    return 0.2126 * l[0] + 0.7152 * l[1] + 0.0722 * l[2];
  }
  function contrast(one, other) {
    var a = luminance(one), b = luminance(other);
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  }
  function inkOn(color) {
    return contrast("#ffffff", color) >= contrast("#000000", color) ? "#ffffff" : "#000000";
  }
  function toHls(rgb) {
    var max = Math.max.apply(null, rgb), min = Math.min.apply(null, rgb), sum = max + min;
    var range = max - min, light = sum / 2, hue, r = rgb[0], g = rgb[1], b = rgb[2];
    if (max === min) return [0, light, 0];
    var saturation = light <= 0.5 ? range / sum : range / (2 - max - min);
    var rc = (max - r) / range, gc = (max - g) / range, bc = (max - b) / range;
    if (r === max) hue = bc - gc; else if (g === max) hue = 2 + rc - bc; else hue = 4 + gc - rc;
    hue = (hue / 6) % 1;
    return [hue < 0 ? hue + 1 : hue, light, saturation];
  }
  function channelAt(m1, m2, hue) {
    hue = ((hue % 1) + 1) % 1;
    if (hue < 1 / 6) return m1 + (m2 - m1) * hue * 6;
    if (hue < 0.5) return m2;
    if (hue < 2 / 3) return m1 + (m2 - m1) * (2 / 3 - hue) * 6;
    return m1;
  }
  function fromHls(hue, light, saturation) {
    var m2 = light <= 0.5 ? light * (1 + saturation) : light + saturation - light * saturation;
    var m1 = 2 * light - m2;
    return [hue + 1 / 3, hue, hue - 1 / 3].map(function (h) {
      return saturation === 0 ? light : channelAt(m1, m2, h);
    });
  }
  function hex(rgb) {
    return "#" + rgb.map(function (c) {
      return Math.round(c * 255).toString(16).padStart(2, "0");
    }).join("");
  }
  function readableOn(surface, color, atLeast) {
    var hls = toHls(channels(color)), light = hls[1];
    var step = inkOn(surface) === "#000000" ? -0.01 : 0.01;
    while (contrast(color, surface) < atLeast && light + step > 0 && light + step < 1) {
      light += step;
      color = hex(fromHls(hls[0], light, hls[2]));
    }
    return contrast(color, surface) >= atLeast ? color : inkOn(surface);
  }
  function variables(color, surface) {
    var fill = readableOn(surface, color, SHAPE);
    return { brand: fill, onBrand: inkOn(fill), link: readableOn(surface, color, TEXT) };
  }
  window.pergolaBrand = { contrast: contrast, variables: variables, LIGHT: LIGHT, DARK: DARK };

  document.addEventListener("DOMContentLoaded", function () {
    var preview = document.getElementById("brand-preview");
    if (!preview) return;
    var form = preview.closest("form"), picture = "";

    function typed(name) {
      var field = form.elements[name];
      return field ? field.value.trim() : "";
    }
    function say(name, text) {
      preview.querySelectorAll('[data-brand="' + name + '"]').forEach(function (place) {
        place.textContent = text;
      });
    }
    function tell(color) {
      var place = preview.querySelector('[data-brand="contrast"]');
      var light = variables(color, LIGHT), said = [];
      function fill(text, shown) {
        return text.replace("{ratio}", contrast(color, LIGHT).toFixed(1)).replace("{color}", shown);
      }
      if (light.brand !== color) said.push(fill(place.dataset.fill, light.brand));
      if (light.link !== color) said.push(fill(place.dataset.link, light.link));
      place.classList.toggle("pgb-warns", said.length > 0);
      place.textContent = said.join(" ") || place.dataset.fine;
    }
    function show() {
      var name = typed("product_name") || typed("name") || preview.dataset.platform;
      var color = typed("brand_color").toLowerCase(), help = typed("support_email");
      say("name", name);
      say("footer", typed("footer"));
      say("help", help);
      say("from", (typed("sender_name") || name) + (typed("sender_email") ? " <" + typed("sender_email") + ">" : ""));
      say("reply", help || "–");
      preview.querySelectorAll(".pgb-mark").forEach(function (mark) {
        mark.textContent = picture ? "" : name.charAt(0).toUpperCase();
        mark.style.backgroundImage = picture ? 'url("' + picture + '")' : "";
        mark.classList.toggle("pgb-logo", Boolean(picture));
      });
      if (!/^#[0-9a-f]{6}$/.test(color)) return;
      preview.querySelectorAll(".pgb").forEach(function (part) {
        var found = variables(color, part.classList.contains("pgb-dark") ? DARK : LIGHT);
        part.style.setProperty("--brand", found.brand);
        part.style.setProperty("--on-brand", found.onBrand);
        part.style.setProperty("--link", found.link);
      });
      tell(color);
    }
    function choose() {
      var file = form.elements.logo_file && form.elements.logo_file.files[0];
      var removed = form.elements.remove_logo && form.elements.remove_logo.checked;
      if (!file) { picture = removed ? "" : preview.dataset.logo || ""; show(); return; }
      var reader = new FileReader();
      reader.onload = function () { picture = reader.result; show(); };
      reader.readAsDataURL(file);
    }
    form.addEventListener("input", show);
    form.addEventListener("change", choose);
    choose();
  });
})();
