// Programs as tabs, with buttons to copy and to save. Without this they stand one after another.
(function () {
  "use strict";
  var make = window.iconograph.make;
  document.querySelectorAll(".programs").forEach(function (group) {
    var panels = Array.from(group.querySelectorAll(".program"));
    var bar = make("div", { "class": "tabs", role: "tablist", "aria-label": "Target" });

    function choose(n, focus) {
      panels.forEach(function (panel, k) {
        panel.firstElementChild.open = true;
        panel.hidden = k !== n;
        tabs[k].setAttribute("aria-selected", String(k === n));
        tabs[k].tabIndex = k === n ? 0 : -1;
      });
      if (focus) {
        tabs[n].focus();
      }
    }

    var tabs = panels.map(function (panel, k) {
      var tab = make("button", {
        type: "button", role: "tab", id: "tab-" + panel.dataset.target
      }, [panel.dataset.target]);
      panel.id = "program-" + panel.dataset.target;
      panel.setAttribute("role", "tabpanel");
      panel.setAttribute("aria-labelledby", tab.id);
      tab.setAttribute("aria-controls", panel.id);
      tab.addEventListener("click", function () {
        choose(k);
      });
      tab.addEventListener("keydown", function (event) {
        var step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (step) {
          event.preventDefault();
          choose((k + step + panels.length) % panels.length, true);
        }
      });
      bar.append(tab);

      var text = panel.querySelector("code").textContent;
      var copy = make("button", { type: "button" }, ["Copy"]);
      copy.addEventListener("click", function () {
        function said(ok) {
          copy.textContent = ok ? "Copied" : "Press Ctrl-C";
          setTimeout(function () {
            copy.textContent = "Copy";
          }, 2000);
        }
        function byHand() {
          // the clipboard is closed to pages on disk in some browsers: select, so that a key copies
          var range = document.createRange();
          range.selectNodeContents(panel.querySelector("code"));
          var selection = getSelection();
          selection.removeAllRanges();
          selection.addRange(range);
          var done = false;
          try {
            done = document.execCommand("copy");
          } catch (closed) {
            done = false;
          }
          said(done);
        }
        if (navigator.clipboard) {
          navigator.clipboard.writeText(text).then(said.bind(null, true), byHand);
        } else {
          byHand();
        }
      });
      var save = make("a", {
        download: panel.dataset.name,
        href: URL.createObjectURL(new Blob([text], { type: "text/x-python" }))
      }, ["Download " + panel.dataset.name]);
      panel.querySelector("summary").after(make("p", { "class": "save" }, [copy, " ", save]));
      return tab;
    });
    if (panels.length > 1) {
      group.prepend(bar);
      choose(0);
    } else {
      panels[0].removeAttribute("role");
      panels[0].removeAttribute("aria-labelledby");
    }
    group.classList.add("tabbed");
  });
})();
