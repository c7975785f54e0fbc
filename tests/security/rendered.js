// @ts-check
/** Reads answers and their sources as JSON, and says of each what the widget makes of it. */
import { linkAddress, sourceAddress } from "../../static/molsys-chat/addresses.js";
import { FormattedText } from "../../static/molsys-chat/formatted.js";
import { FakeElement, install } from "../js/fake-dom.js";

install();

/** @param {{ answer: string, sources: Source[], root: string }} given */
function render({ answer, sources, root }) {
  const element = new FakeElement("div");
  const site = { root, project: "" };
  const allowed = sources.map((each) => sourceAddress(each, "", site));
  const view = new FormattedText(/** @type {any} */ (element), {
    address: (href) => linkAddress(href, allowed, root),
    source: (n) => sources.find((each) => each.n === n),
    sourceAddress: (source) => sourceAddress(source, "", site),
    copy: async () => true,
    preview: () => {},
  });
  view.update(answer, false);
  const elements = [...element.all()];
  return {
    tags: elements.map((each) => each.tag),
    attributes: elements.flatMap((each) => [...each.attributes.keys()]),
    hrefs: elements.map((each) => each.attributes.get("href")).filter(Boolean),
  };
}

let text = "";
for await (const piece of process.stdin.setEncoding("utf8")) text += piece;
process.stdout.write(JSON.stringify(JSON.parse(text).map(render)));
