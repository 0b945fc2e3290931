// Comforts of every page. All of it can be read without them.
(function () {
  "use strict";
  var root = document.documentElement;

  // ---- what the other scripts build pages with
  var house = window.iconograph = window.iconograph || {};
  house.fill = function (found, attributes, parts) {
    Object.keys(attributes || {}).forEach(function (key) {
      found.setAttribute(key, attributes[key]);
    });
    (parts || []).forEach(function (part) {
      found.append(part);
    });
    return found;
  };
  house.make = function (tag, attributes, parts) {
    return house.fill(document.createElement(tag), attributes, parts);
  };

  function dark() {
    if (root.dataset.theme) {
      return root.dataset.theme === "dark";
    }
    return matchMedia("(prefers-color-scheme: dark)").matches;
  }

  // ---- the theme
  var button = house.make("button", { type: "button", "class": "theme" });
  function label() {
    button.textContent = dark() ? "Light" : "Dark";
    button.setAttribute("aria-label", dark() ? "Use the light theme" : "Use the dark theme");
  }
  button.addEventListener("click", function () {
    root.dataset.theme = dark() ? "light" : "dark";
    label();
    try {
      localStorage.setItem("iconograph-theme", root.dataset.theme);
    } catch (blocked) {
      // it holds for this page then
    }
  });
  label();
  document.getElementById("tools").append(button);

  // ---- a link to something folded opens it
  function unfold() {
    var id = decodeURIComponent(location.hash.slice(1));
    var at = id && document.getElementById(id);
    for (var here = at; here; here = here.parentElement) {
      if (here.tagName === "DETAILS") {
        here.open = true;
      }
    }
    if (at) {
      at.scrollIntoView();
    }
  }
  addEventListener("hashchange", unfold);
  unfold();

  // ---- what has to be scrolled can be reached by keys
  function reach() {
    document.querySelectorAll("main .display, main .symbols li, main dd, main pre, main .scroll").forEach(function (box) {
      if (box.scrollWidth > box.clientWidth && getComputedStyle(box).overflowX === "auto") {
        box.tabIndex = 0;
      }
    });
  }
  addEventListener("resize", reach);
  addEventListener("toggle", reach, true);
  reach();

  // ---- a picture wider than the page begins in its middle
  document.querySelectorAll(".picture").forEach(function (box) {
    box.scrollLeft = (box.scrollWidth - box.clientWidth) / 2;
  });

  // ---- proofs and programs are printed open
  addEventListener("beforeprint", function () {
    document.querySelectorAll("main details:not([open])").forEach(function (fold) {
      fold.open = true;
      fold.dataset.printed = "";
    });
  });
  addEventListener("afterprint", function () {
    document.querySelectorAll("details[data-printed]").forEach(function (fold) {
      fold.open = false;
      delete fold.dataset.printed;
    });
  });
})();
