// Prints for each document on standard input, a JSON array, whether the schema in argv takes it.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const [, , ajvFolder, schemaFile] = process.argv;
const Ajv = createRequire(import.meta.url)(ajvFolder).default;
const ajv = new Ajv({ strict: true, allowUnionTypes: true, strictTypes: false, strictRequired: false });
ajv.addVocabulary([
  "markdownDescription",
  "markdownEnumDescriptions",
  "defaultSnippets",
  "errorMessage",
  "deprecationMessage",
]);
const validate = ajv.compile(JSON.parse(readFileSync(schemaFile, "utf8")));
const documents = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify(documents.map((document) => validate(document))));
