# Types of numbers.
{ lib }:
let
  inherit (builtins) isFloat isInt;
  inherit (lib.types)
    _plainMerge
    addCheck
    mkOptionType
    ;

  mergeEqual = _plainMerge lib.mergeEqualOption;

  numberBetween =
    base: lowest: highest:
    assert lib.assertMsg (lowest <= highest)
      "numbers.between: lowest must be smaller than highest";
    addCheck base (x: x >= lowest && x <= highest)
    // {
      name = "numberBetween";
      description = "integer or floating point number between ${builtins.toJSON lowest} and ${builtins.toJSON highest} (both inclusive)";
      functor = lib.types.defaultFunctor "numberBetween";
    };

  # Integers in a range that a name tells.
  intBetween =
    lowest: highest:
    assert lib.assertMsg (lowest <= highest) "ints.between: lowest must be smaller than highest";
    addCheck int (x: x >= lowest && x <= highest)
    // {
      name = "intBetween";
      description = "integer between ${toString lowest} and ${toString highest} (both inclusive)";
      descriptionClass = "noun";
    };

  sized =
    name: desc: lowest: highest:
    intBetween lowest highest
    // {
      inherit name;
      description = "${desc}; between ${toString lowest} and ${toString highest} (both inclusive)";
    };

  unsigned =
    bit: range:
    sized "unsignedInt${toString bit}" "${toString bit} bit unsigned integer" 0 (range - 1);

  signed =
    bit: range:
    sized "signedInt${toString bit}" "${toString bit} bit signed integer" (0 - (range / 2)) (range / 2 - 1);

  # Integers of any size that Nix has.
  int = mkOptionType {
    name = "int";
    description = "signed integer";
    descriptionClass = "noun";
    check = isInt;
    merge = mergeEqual;
  };

  # Floating point numbers; integers are none.
  float = mkOptionType {
    name = "float";
    description = "floating point number";
    descriptionClass = "noun";
    check = isFloat;
    merge = mergeEqual;
  };
in
{
  inherit int float;

  /** Integers in a range: between, unsigned, positive, u8, u16, u32, s8, s16, s32. */
  ints = {
    between = intBetween;
    unsigned =
      addCheck int (x: x >= 0)
      // {
        name = "unsignedInt";
        description = "unsigned integer, meaning >=0";
        descriptionClass = "nonRestrictiveClause";
      };
    positive =
      addCheck int (x: x > 0)
      // {
        name = "positiveInt";
        description = "positive integer, meaning >0";
        descriptionClass = "nonRestrictiveClause";
      };
    u8 = unsigned 8 256;
    u16 = unsigned 16 65536;
    u32 = unsigned 32 4294967296;
    s8 = signed 8 256;
    s16 = signed 16 65536;
    s32 = signed 32 4294967296;
  };

  /** A TCP or UDP port. */
  port = sized "unsignedInt16" "16 bit unsigned integer" 0 65535;

  /** An integer or a float. */
  number = lib.types.either int float;

  /** Numbers in a range: between, positive, nonnegative. */
  numbers = {
    between = numberBetween (lib.types.either int float);
    positive =
      addCheck (lib.types.either int float) (x: x > 0)
      // {
        name = "numberPositive";
        description = "positive integer or floating point number, meaning >0";
        descriptionClass = "nonRestrictiveClause";
        functor = lib.types.defaultFunctor "numberPositive";
      };
    nonnegative =
      addCheck (lib.types.either int float) (x: x >= 0)
      // {
        name = "numberNonnegative";
        description = "nonnegative integer or floating point number, meaning >=0";
        descriptionClass = "nonRestrictiveClause";
        functor = lib.types.defaultFunctor "numberNonnegative";
      };
  };
}
