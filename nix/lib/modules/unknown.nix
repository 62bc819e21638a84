# The error for a definition of an option that does not exist.
{ lib }:
let
  inherit (builtins)
    addErrorContext
    filter
    head
    isAttrs
    length
    tail
    ;
  inherit (lib) showOption;

  # An option that was put among definitions, there or one level below.
  declaresOption =
    value:
    isAttrs value && (lib.isOption value || (!(value ? _type) && builtins.any lib.isOption (builtins.attrValues value)));
in
{
  /** Throws the error for a definition `{ file; value; path; }` that no option of the tree, `_module` included, takes. */
  _unknownOption =
    prefix: tree: def:
    let
      loc = prefix ++ def.path;
      # The siblings of the name that does not exist.
      siblings =
        path: t: if length path > 1 then siblings (tail path) t.nodes.${head path}.tree else builtins.attrNames t.nodes;
      parent = lib.init loc;
      names =
        if length def.path == 1 then filter (name: name != "_module") (siblings def.path tree) else siblings def.path tree;
      noOptions = removeAttrs tree.nodes [ "_module" ] == { };
      inherit (def) value;
      # A broken definition must not hide the message that it is one too many.
      misplaced = (builtins.tryEval (declaresOption value)).value;
      putIntoConfig = "\n\nIt seems as if you're trying to declare an option by placing it into `config' rather than `options'!";
      suggestion = lib.optionalString (
        nearest != [ ]
      ) "\n\n${lib._didYouMean (name: showOption (parent ++ [ name ])) nearest}";
      hint =
        if noOptions && prefix != [ ] then
          "\n\nHowever there are no options defined in `${showOption prefix}'. Are you sure you've\ndeclared your options properly? This can happen if you e.g. declared your options in `types.submodule'\nunder `config' rather than `options'."
        else if noOptions || misplaced then
          putIntoConfig
        else
          "";
      nearest = lib._nearest (lib.last loc) names;
    in
    addErrorContext
      "while evaluating the error message for definitions for `${showOption loc}', which is an option that does not exist"
      (
        addErrorContext "while evaluating a definition from `${toString def.file}'" (
          throw "The option `${showOption loc}' does not exist. Definition values:${
            lib.showDefs [
              {
                inherit (def) file;
                inherit value;
              }
            ]
          }${suggestion}${hint}"
        )
      );
}
