"""Reading a drawing back, with no more than the standard library."""

import re
from collections import Counter
from html import unescape
from xml.etree import ElementTree

NODE = re.compile(r"(\w+) \[label=<(.*)>((?: [a-z]+=\"[^\"]*\")*)\];")
EDGE = re.compile(r"(\w+) -> (\w+) \[label=<(.*)>((?: [a-z]+=\"[^\"]*\")*)\];")
CLUSTER = re.compile(r"label=<<B>(.*)</B>>; labeljust=.*")


class Node:
    def __init__(self, label, attributes, cluster):
        self.rows = rows_of(label)
        self.text = " ".join(" ".join(filter(None, row)) for row in self.rows)
        self.attributes = dict(re.findall(r'(\w+)="([^"]*)"', attributes))
        self.cluster = cluster

    def numbers(self, word):
        """The numbers in the rows that begin with a word, and those below it without one."""
        found, reading = [], False
        for first, *others in self.rows:
            reading = first == word or (reading and first == "")
            if reading:
                found += others
        return found


def rows_of(label):
    """The text of each cell; reading it as XML shows that nothing in it is loose markup."""
    root = ElementTree.fromstring(f"<label>{label}</label>")
    rows = [["".join(cell.itertext()) for cell in row] for row in root.iter("TR")]
    lines = rows or [["".join(root.itertext())]]
    return [[cell.replace("\\\\", "\\") for cell in row] for row in lines]


class Read:
    """The nodes by their names, the edges as (tail, head, text, attributes), and the title."""

    def __init__(self, drawing):
        first, title, _, _, *lines = drawing.dot.splitlines()
        assert first == "digraph baregrad {"
        assert lines.pop() == "}"
        self.title = unescape(title.split("[label=<", 1)[1].split("> labelloc", 1)[0])
        self.nodes, self.edges = {}, []
        path = []
        for line in lines:
            if line.startswith("subgraph cluster_"):
                path.append(None)
            elif line == "}":
                path.pop()
            elif match := CLUSTER.fullmatch(line):
                path[-1] = unescape(match[1])
            elif match := EDGE.fullmatch(line):
                self.edges.append((match[1], match[2], unescape(match[3]).strip(), match[4]))
            else:
                match = NODE.fullmatch(line)
                assert match, f"not DOT as it is written here: {line}"
                assert match[1] not in self.nodes
                self.nodes[match[1]] = Node(match[2], match[3], tuple(path))
        assert path == []
        assert all(end in self.nodes for edge in self.edges for end in edge[:2])

    def find(self, text):
        """The one node whose text contains this."""
        found = [name for name, node in self.nodes.items() if text in node.text]
        assert len(found) == 1, f"{text!r} is in {found}"
        return found[0]

    def into(self, name):
        return [tail for tail, head, *_ in self.edges if head == name]

    def out_of(self, name):
        return [head for tail, head, *_ in self.edges if tail == name]

    def kinds(self):
        return Counter(node.attributes["shape"] for node in self.nodes.values())
