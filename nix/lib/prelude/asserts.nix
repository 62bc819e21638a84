# Checks for use after `assert`.
{ lib }:
rec {
  /** True, or a throw with the message. `assert assertMsg (x > 0) "x must be positive";` */
  assertMsg = pred: msg: pred || throw msg;

  /** True if the value is one of a list, or a throw that names both. */
  assertOneOf =
    name: val: xs:
    assertMsg (lib.elem val xs) "${name} must be one of ${lib.generators.toPretty { } xs}, but is: ${lib.generators.toPretty { } val}";

  /** `assertOneOf` for each element of a list. */
  assertEachOneOf =
    name: vals: xs:
    assertMsg (lib.all (val: lib.elem val xs) vals)
      "each element in ${name} must be one of ${lib.generators.toPretty { } xs}, but is: ${lib.generators.toPretty { } vals}";

  /** Throws if an assertion of `[{ assertion, message }]` fails, prints the warnings, and gives the value. */
  checkAssertWarn =
    assertions: warnings: val:
    let
      failed = map (x: x.message) (lib.filter (x: !x.assertion) assertions);
    in
    if failed != [ ] then
      throw "\nFailed assertions:\n${lib.concatMapStringsSep "\n" (x: "- ${x}") failed}"
    else
      lib.showWarnings warnings val;
}
