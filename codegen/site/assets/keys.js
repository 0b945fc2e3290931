// Keys. Each of them only repeats what a link or a button does, and they can be turned off.
(function () {
  "use strict";
  var OFF = "iconograph-keys";
  var root = document.documentElement.dataset.root, make = window.iconograph.make;
  var waiting = 0, help;
  var KEYS = [
    ["/", "search"], ["g t", "go to the table"], ["g g", "go to the graph"],
    ["g l", "go to the list, A to Z"], ["c", "compare this entry, or the two chosen in the graph"],
    ["o", "open or close all folds; in the graph, open the page of what is chosen"],
    ["arrows", "move in the table and in lists of results"],
    ["Enter", "follow the link, or go into the cell"], ["?", "this list"], ["Esc", "close"]
  ];

  function off() {
    try {
      return localStorage.getItem(OFF) === "off";
    } catch (blocked) {
      return help ? !help.querySelector("input").checked : false;
    }
  }

  function page(name) {
    var link = document.querySelector('.bar [data-key="' + name + '"]');
    return link ? link.href : "";
  }

  function compare() {
    var to = page("c"), net = document.getElementById("net");
    var here = /methods\/([^/]+)\.html$/.exec(location.pathname);
    if (!to) {
      return;
    }
    if (here) {
      to += "?a=" + here[1];
    } else if (net) {
      var chosen = net.querySelector("#net-picture .method.focus"), other = net.querySelector(
        "#net-picture .method.at");
      to += chosen ? "?a=" + chosen.dataset.id + (other ? "&b=" + other.dataset.id : "") : "";
    }
    location.assign(to);
  }

  function open() {
    var at = document.querySelector("#net-picture a.at") || document.querySelector("#net-picture a.focus");
    if (at) {
      location.assign(root + at.getAttribute("href").replace(/^(\.\.\/)*/, ""));
      return;
    }
    var folds = Array.from(document.querySelectorAll("main details"));
    var closed = folds.some(function (fold) {
      return !fold.open;
    });
    folds.forEach(function (fold) {
      fold.open = closed;
    });
  }

  // ---- the list of keys
  function show() {
    if (!help) {
      var rows = KEYS.map(function (pair) {
        return make("div", {}, [
          make("dt", {}, [make("kbd", {}, [pair[0]])]), make("dd", {}, [pair[1]])
        ]);
      });
      var tick = make("input", { type: "checkbox" });
      var close = make("button", { type: "button", autofocus: "" }, ["Close"]);
      tick.checked = !off();
      tick.addEventListener("change", function () {
        try {
          localStorage.setItem(OFF, tick.checked ? "on" : "off");
        } catch (blocked) {
          // it holds for this page then
        }
      });
      close.addEventListener("click", function () {
        help.close();
      });
      help = make("dialog", { "class": "keys-help", "aria-labelledby": "keys-name" }, [
        make("h2", { id: "keys-name" }, ["Keys"]), make("dl", {}, rows),
        make("p", {}, [
          make("label", {}, [tick, " Letters and signs are keys (the rest always works)"])
        ]), close
      ]);
      document.body.append(help);
    }
    if (!help.open) {
      help.showModal();
    }
  }

  var button = make("button", {
    type: "button", "class": "for-keys", "aria-keyshortcuts": "?"
  }, ["Keys"]);
  button.addEventListener("click", show);
  document.getElementById("tools").prepend(button);

  addEventListener("keydown", function (event) {
    var typing = event.target.closest && event.target.closest("input, select, textarea");
    if (typing || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented
        || document.querySelector("dialog[open]") || off()) {
      return;
    }
    var second = Date.now() - waiting < 1500, key = event.key;
    waiting = 0;
    if (second) {
      if (/^[a-z]$/.test(key) && page(key)) {
        event.preventDefault();
        location.assign(page(key));
      }
      return;
    }
    var acts = { "/": window.iconograph.search, "?": show, c: compare, o: open, g: function () {
      waiting = Date.now();
    } };
    if (Object.prototype.hasOwnProperty.call(acts, key)) {
      event.preventDefault();
      acts[key]();
    }
  });

  // ---- the table: arrows go from cell to cell, and from link to link in one
  var table = document.querySelector(".periodic");
  if (!table) {
    return;
  }
  var grid = Array.from(table.rows).map(function (row) {
    return Array.from(row.cells);
  });
  function links(cell) {
    return Array.from(cell.querySelectorAll("a, summary")).filter(function (x) {
      return x.offsetParent;
    });
  }
  function move(cell, down, right) {
    var y = grid.findIndex(function (row) {
      return row.indexOf(cell) >= 0;
    });
    var x = grid[y].indexOf(cell);
    var next = (grid[y + down] || [])[x + right];
    if (next) {
      next.tabIndex = -1;
      next.focus();
    }
  }
  var STEPS = { ArrowDown: [1, 0], ArrowUp: [-1, 0], ArrowRight: [0, 1], ArrowLeft: [0, -1] };
  table.parentElement.addEventListener("keydown", function (event) {
    var step = STEPS[event.key], cell = event.target.closest("td, th");
    if (event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    if (event.key === "Enter" && cell === event.target && links(cell).length) {
      event.preventDefault();
      if (links(cell).length === 1) {
        links(cell)[0].click();
      } else {
        links(cell)[0].focus();
      }
    } else if (event.key === "Escape" && cell && cell !== event.target) {
      cell.tabIndex = -1;
      cell.focus();
    } else if (step) {
      event.preventDefault();
      if (!cell) {
        move(grid[0][0], 1, 1);
        return;
      }
      var inside = links(cell), at = inside.indexOf(event.target), next = inside[at + step[0]];
      if (at >= 0 && step[0] && next) {
        next.focus();
      } else {
        move(cell, step[0], step[1]);
      }
    }
  });
})();
