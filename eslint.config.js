import js from "@eslint/js";

export default [
  js.configs.recommended,
  { rules: { "no-undef": "off", "prefer-const": "error", "no-var": "error" } }, // names: tsc knows them
];
