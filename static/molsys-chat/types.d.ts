/** What the modules pass to each other, for the type checker: no browser ever loads this file. */

/** What the documentation's maintainer set. */
interface Settings {
  /** Base address of the service, without a slash at its end. */
  endpoint: string;
  /** Address of the documentation's root, with a slash at its end. */
  root: string;
  project?: string;
  version?: string;
  /** This page's path relative to the documentation's root. */
  page?: string;
  /** The site's search page, relative to the root: `search.html`, `search/`. */
  search?: string;
  title: string;
  welcome?: string;
  suggestions: string[];
  /** On wide screens: `side`, beside the page, or `window`, over it. */
  panel?: string;
  /** What a reader must agree to before the first question. */
  notice?: string;
}

/** A documented name. */
interface ApiName {
  name: string;
  url: string;
}

/** What Sphinx's searchindex.js holds; a number is a place in `docnames`. */
interface SearchIndex {
  docnames: string[];
  titles: string[];
  terms: Record<string, number | number[]>;
  titleterms: Record<string, number | number[]>;
  alltitles?: Record<string, [number, string | null][]>;
}

/** A class name and the code that wears it. */
type Colored = [string, string];

/** A section that the service found. */
interface Source {
  /** What `[n]` in the answer means. */
  n: number;
  /** Heading path, its steps parted by ` › `. */
  title: string;
  url: string;
  /** Address relative to the documentation's root. */
  section: string;
  excerpt: string;
}

interface IndexFacts {
  /** The version that the page is about, where another one answers. */
  asked_version?: string;
  /** Those of the other projects that answer with it. */
  others?: IndexFacts[];
  project: string;
  version: string;
  commit: string;
  /** ISO 8601 in UTC. */
  built_at: string;
}

type Vote = "up" | "down";

/** Why there is no answer, or no more of it. */
interface Failure {
  /** A name in strings.js. */
  code: string;
  /** The service's own words. */
  message: string;
  /** The time limit that was passed; 0 where it was none. */
  seconds: number;
  /** Milliseconds since 1970 before which asking again is of no use; 0 for at once. */
  until: number;
}

/** A question with its answer, so far as it has arrived. */
interface Turn {
  question: string;
  /** What was selected on the page that it was asked about. */
  passage?: string;
  /** Markdown. */
  answer: string;
  state: "waiting" | "writing" | "done" | "stopped" | "interrupted" | "failed";
  sources: Source[];
  cited: number[];
  id?: string;
  index?: IndexFacts;
  kind?: "generated" | "quoted" | "not_documented";
  /** Why a model that should have written the answer did not. */
  degraded?: string;
  /** Whether the limit on an answer's length ended it. */
  truncated?: boolean;
  /** Documented names in the answer. */
  symbols?: ApiName[];
  /** Sentences of the answer that its sources do not support. */
  unverified?: string[];
  /** Why checking last took something back. */
  takenBack?: string;
  failure?: Failure;
  vote?: Vote;
}

/** What the service says of a session; nothing where it knows none. */
interface SessionFacts {
  /** To be sent with each request; "" where none is needed. */
  token?: string;
  /** How long questions and answers are kept; 0 where they are not. */
  kept_days?: number;
}

interface Message {
  role: "user" | "assistant";
  content: string;
}

/** The body of `POST /v1/chat`. */
interface Question {
  messages: Message[];
  project?: string;
  version?: string;
  page?: string;
  stream: true;
}

/** An event of an event stream, as text. */
interface StreamEvent {
  event: string;
  data: string;
}

/** An event of an answer. */
interface ChatEvent {
  event: string;
  data: any;
}

/** Milliseconds: until the answer begins, and between two of its events. */
interface Limits {
  connect: number;
  silence: number;
}

/** Who answers in a conversation, and who follows it. */
interface Outside {
  stream(messages: Message[], stop: AbortSignal): AsyncIterable<ChatEvent>;
  /** Turns came or went. */
  turnsChanged(): void;
  /** The last turn has more of its answer. */
  turnChanged(): void;
  /** The last turn's answer is complete, or given up. */
  turnEnded(): void;
}

/** Elements that a text may ask for by name. */
type Tag = "em" | "strong" | "b" | "i" | "u" | "s" | "sub" | "sup" | "kbd";

type Inline =
  | { type: "text"; text: string }
  | { type: "inlineCode"; text: string }
  | { type: "br" }
  | { type: "cite"; n: number }
  | { type: Tag; children: Inline[] }
  | { type: "link"; href: string; children: Inline[] };

type Block =
  | { type: "p"; text: string }
  | { type: "heading"; text: string }
  | { type: "code"; language: string; text: string }
  | { type: "list"; start: number; items: Block[][] } /* NaN where it has bullets */
  | { type: "quote"; blocks: Block[] }
  | { type: "table"; rows: string[][] }
  | { type: "hr" };

/** What makes elements of a tree. */
type Writers = {
  [T in Block["type"]]: (block: Extract<Block, { type: T }>) => HTMLElement;
} & {
  [T in Exclude<Inline["type"], Tag>]: (node: Extract<Inline, { type: T }>) => Node | string;
};

/** A block, and the first line below it. */
interface Found {
  block: Block;
  next: number;
}

/** Reads a block that begins at a line; anything false where none of its kind does. */
type Reader<T = Found | false | "" | undefined> = (lines: string[], at: number, depth: number) => T;

/** A block with the text that it was read from: where that is the same, so is the block. */
type Piece = Block & { raw: string };

/** What an answer's text may refer to. */
interface References {
  /** Where a link may lead; "" for nowhere. */
  address(href: string): string;
  source(n: number): Source | undefined;
  sourceAddress(source: Source): string;
  /** Resolves to whether the text is in the clipboard now. */
  copy(text: string): Promise<boolean>;
  /** A link gets a preview of its source. */
  preview(link: HTMLElement, source: Source): void;
}

/** What a reader can do with an answer. */
interface TurnActions {
  retry(): void;
  vote(vote: Vote, comment: string): void;
  copy(text: string): Promise<boolean>;
  preview(link: HTMLElement, source: Source): void;
}

/** What a reader can do in the dialog. */
interface DialogActions {
  ask(question: string): void;
  stop(): void;
  clear(): void;
  export(): void;
  /** The notice was agreed to. */
  accept(): void;
  /** Whether Escape closed something smaller than the panel. */
  dismissed(): boolean;
  drafted(draft: string): void;
  /** The last question; "" before the first. */
  recalled(): string;
  /** A link in the conversation was clicked. */
  followed(href: string): void;
  /** It opened, or closed. */
  opened(open: boolean): void;
}
