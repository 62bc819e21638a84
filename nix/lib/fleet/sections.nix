# The sections of an inventory (`defaults`, `groups`, `hosts`) as layers: see problems.nix.
{ lib }:
let
  inherit (builtins) isAttrs isList isString mapAttrs;
  position = import ./position.nix;
  problems = import ./problems.nix { inherit lib; };

  # YAML makes null of "web:" with nothing behind it.
  isFields = value: value == null || isAttrs value;
  fieldsOf = value: if isAttrs value then value else { };

  example = {
    hosts = "hosts.web-1 = { base = \"ubuntu\"; addr = \"10.0.1.11\"; };";
    groups = "groups.web = { roles = [ \"web\" ]; };";
    rollouts = "rollouts.urgent = { maxParallel = 50; };";
  };

  layer =
    {
      source,
      file,
      path,
      at,
      given,
    }:
    let
      self = {
        inherit file path at;
        inherit (source) isNix;
        # Names the layer beside others in a message.
        label = if lib.head path == "groups" then "${file}, group ${lib.last path}" else file;
        value = fieldsOf given;
        # What is wrong with its form.
        malformed =
          lib.optional (!isFields given) (
            problems.at self [ ] {
              code = "inventory-value";
              message = "${lib.concatStringsSep "." path} is ${problems.shown given}: expected the fields of a ${
                if lib.head path == "rollouts" then "rollout policy" else "host"
              }";
              hint = lib.optionalString (
                isString given && lib.head path == "hosts"
              ) "write { addr = ${lib.strings.escapeNixString given}; }";
            }
          )
          ++ lib.optional (hasBadGroups self.value) (
            problems.at self [ "groups" ] {
              code = "inventory-value";
              message = "groups is ${problems.shown self.value.groups}: expected a list of names";
            }
          );
      };
    in
    self;
  hasBadGroups =
    value: value ? groups && !(isList value.groups && lib.all isString value.groups);
in
{
  /** Those sources that have the section at all. */
  having = section: lib.filter (source: source.value.${section} or null != null);

  /** A whole section as one layer. */
  whole =
    section: source:
    layer {
      inherit source;
      inherit (source) file;
      path = [ section ];
      at = position.of section source.value;
      given = source.value.${section};
    };

  /** All entries of a section, by name: a list of layers, as several sources may have one. */
  entries =
    section: sources:
    lib.zipAttrsWith (_: layers: layers) (
      map (
        source:
        let
          set = fieldsOf (source.value.${section} or { });
        in
        mapAttrs (
          name: given:
          layer {
            inherit source given;
            # Only what stands in Nix has a position of its own.
            file = if source.isNix then position.fileOf source.file name set else source.file;
            path = [
              section
              name
            ];
            at = position.of name set;
          }
        ) set
      ) sources
    );

  /** The problems of a section that is no set at all. */
  problems =
    section: sources:
    lib.concatMap (
      source:
      let
        given = source.value.${section} or null;
      in
      lib.optional (!isFields given) (
        problems.at
          {
            inherit (source) isNix;
            path = [ ];
            at = "";
            value = source.value;
          }
          [ section ]
          {
            code = "inventory-value";
            message = "${section} is ${problems.shown given}: expected ${section} by name";
            hint = example.${section};
          }
      )
    ) sources;
}
