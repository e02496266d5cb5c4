/* Taking many goes portion by portion; without this script somebody presses the button. */
(function () {
  "use strict";
  var form = document.getElementById("go-on");
  if (form) { form.submit(); }
}());
