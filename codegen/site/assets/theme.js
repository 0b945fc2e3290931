// Before the page is painted: the theme that was chosen on an earlier page, if any.
(function () {
  "use strict";
  try {
    var theme = localStorage.getItem("iconograph-theme");
    if (theme === "light" || theme === "dark") {
      document.documentElement.dataset.theme = theme;
    }
  } catch (blocked) {
    // storage may be forbidden, as for files on disk; the system's own theme holds then
  }
})();
