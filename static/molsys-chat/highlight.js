// @ts-check
/** Code cut into pieces with Pygments' short class names: the page's own style gives the colours. */

/** What lies beyond is not coloured. */
const LONGEST = 20_000;

const STRING = /"""[\s\S]*?(?:"""|$)|'''[\s\S]*?(?:'''|$)|"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'?/.source;
const NUMBER = /\b(?:0[xXbBoO][\da-fA-F_]+|\d[\d_]*(?:\.\d*)?(?:[eE][-+]?\d+)?)\b/.source;
const REST = /(?<o>[-+*/%=<>!&|^~@:?]+)|(?<p>[()[\]{},.;]+)|[^\S\n]+|\n|[\s\S]/.source;

/** @param {string} text */
const words = (text) => `\\b(?:${text.replaceAll(" ", "|")})\\b`;

/** The first group that matches names the class. @param {Record<string, string>} groups */
const rules = (groups) =>
  new RegExp(`${Object.entries(groups).map(([name, source]) => `(?<${name}>${source})`).join("|")}|${REST}`, "y");

const PYTHON = rules({
  c1: "#[^\\n]*",
  s: `(?:\\b[rRbBfFuU]{1,2})?(?:${STRING})`,
  nd: "(?<=^[^\\S\\n]*)@[\\w.]+",
  kn: words("import from"),
  kc: words("True False None"),
  ow: words("and in is not or"),
  k: words("as assert async await break class continue def del elif else except finally for global if lambda nonlocal pass raise return try while with yield match case"),
  nf: "(?<=\\bdef\\s+)\\w+",
  nc: "(?<=\\bclass\\s+)\\w+",
  bp: words("self cls"),
  nb: words("abs all any bool bytes dict enumerate filter float getattr hasattr int isinstance len list map max min object open print property range repr reversed round set sorted str sum super tuple type zip"),
  mi: NUMBER,
  n: "[^\\W\\d]\\w*",
});

const SHELL = rules({
  c1: "(?<=^|\\s)#[^\\n]*",
  gp: "(?<=^[^\\S\\n]*)(?:\\(\\w+\\) ?)?[$%>](?= )",
  s2: '"(?:\\\\.|[^"\\\\])*"?|\'[^\']*\'?',
  nv: "\\$\\{?\\w+\\}?|\\b[A-Z_][A-Z\\d_]*(?==)",
  k: words("if then else elif fi for while do done case esac function"),
  nb: words("alias cd echo eval exec exit export printf pwd read set source test unset"),
  n: "[\\w./~-]+",
});

const DATA = rules({
  c1: "(?<=^|\\s)(?:#|;)[^\\n]*",
  gh: "(?<=^[^\\S\\n]*)\\[[^\\]\\n]*\\](?=\\s*$)",
  nt: "(?<=^[^\\S\\n]*(?:- )?)[\\w.-]+(?=\\s*[:=](?:\\s|$))|\"(?:\\\\.|[^\"\\\\\\n])*\"(?=\\s*:)",
  s2: STRING,
  kc: words("true false null yes no on off"),
  mi: NUMBER,
  n: "[^\\W\\d][\\w-]*",
});

const C = rules({
  c1: "//[^\\n]*|/\\*[\\s\\S]*?(?:\\*/|$)",
  cp: "(?<=^[^\\S\\n]*)#[^\\n]*",
  s: `${STRING}|\`(?:\\\\.|[^\`\\\\])*\`?`,
  kc: words("true false null nullptr undefined None Some"),
  kt: words("auto bool char const double float int let long signed size_t struct unsigned var void u8 u32 u64 i32 i64 f32 f64"),
  k: words("async await break case catch class continue default delete do else enum export extends fn for from function if impl import in instanceof interface match mod mut namespace new of private protected pub public return static switch template this throw try type typedef typename typeof use using where while yield"),
  mi: NUMBER,
  nf: "[^\\W\\d]\\w*(?=\\()",
  n: "[^\\W\\d][\\w$]*",
});

const DIFF = rules({ gh: "(?<=^)(?:diff|index|---|\\+\\+\\+)[^\\n]*", gu: "(?<=^)@@[^\\n]*", gi: "(?<=^)\\+[^\\n]*", gd: "(?<=^)-[^\\n]*" });

/** @type {[RegExp, RegExp][]} */
const LANGUAGES = [
  [/^(python\d?|py\d?|pycon|python-repl|ipython\d?|default)$/, PYTHON],
  [/^(shell|bash|sh|zsh|console|shell-session|terminal|powershell)$/, SHELL],
  [/^(ya?ml|toml|ini|cfg|json\w?|properties)$/, DATA],
  [/^(c|h|cpp|c\+\+|cuda|java|rust|rs|go|javascript|js|typescript|ts|css)$/, C],
  [/^(diff|patch)$/, DIFF],
];

/** Lines of a Python prompt: what is typed is coloured, what it prints is not. */
const PROMPT = /^(>>> |\.\.\. |>>>$|\.\.\.$|In \[\d+\]: )(.*)$/s;

/** @param {string} text @param {RegExp} pattern @returns {Colored[]} */
function colorWith(text, pattern) {
  /** @type {Colored[]} */
  const pieces = [];
  const sticky = new RegExp(pattern, "my");
  for (let at = 0; at < text.length; at = sticky.lastIndex) {
    sticky.lastIndex = at;
    const { 0: all, groups = {} } = /** @type {RegExpExecArray} */ (sticky.exec(text));
    const [name] = Object.entries(groups).find(([, value]) => value !== undefined) ?? [""];
    const last = pieces.at(-1);
    if (last && last[0] === name) last[1] += all;
    else pieces.push([name, all]);
  }
  return pieces;
}

/** @param {string} text @returns {Colored[]} */
const colorPrompt = (text) =>
  text.split(/(?<=\n)/).flatMap((line) => {
    const [, prompt, typed] = PROMPT.exec(line) ?? [];
    return prompt ? [["gp", prompt], ...colorWith(typed, PYTHON)] : /** @type {Colored[]} */ ([["go", line]]);
  });

/** Pieces with their class, "" for none; together they are the text. @param {string} text @param {string} language @returns {Colored[]} */
export function colorCode(text, language) {
  const head = text.slice(0, LONGEST);
  const pattern = LANGUAGES.find(([name]) => name.test(language.toLowerCase()))?.[1];
  if (!pattern) return [["", text]];
  const prompt = pattern === PYTHON && /^(>>> |In \[\d+\]: )/.test(head);
  const pieces = prompt ? colorPrompt(head) : colorWith(head, pattern);
  return text.length > LONGEST ? [...pieces, ["", text.slice(LONGEST)]] : pieces;
}
