# SPDX-License-Identifier: GPL-2.0
"""Sphinx: the directive "uapi", which shows the kernel-doc comments of a header.

    .. uapi:: ../uapi/virtlite/vblk.h

The header's introduction comes first, then each struct with its fields. What the comments
may hold is what the headers' authors write: paragraphs, @field references, no markup.
"""

import os
import re

from docutils import nodes
from docutils.parsers.rst import Directive
from docutils.statemachine import StringList

COMMENT = re.compile(r'/\*(\*?)\n(.*?)\*/', re.S)
TITLE = re.compile(r'(struct|enum|typedef) (\w+) - (.*)', re.S)


def plain(text):
    """Nothing in the text is markup, but @field is a literal."""
    text = re.sub(r'([\\*_`|])', r'\\\1', text)
    # The space that is none lets anything follow the literal.
    return re.sub(r'@((?:\w|\\_|\.)*\w)',
                  lambda m: f'``{m[1].replace(chr(92), "")}``\\ ', text)


def body_of(comment):
    return [re.sub(r'^\s*\* ?', '', line) for line in comment.split('\n')]


def paragraphs(lines):
    return [p.strip() for p in re.split(r'\n\s*\n', '\n'.join(lines)) if p.strip()]


def one_line(text):
    return re.sub(r'\s+', ' ', text)


def document(lines):
    """The rst of one kernel-doc comment, or nothing if it is about no struct."""
    text = '\n'.join(lines)
    parts = re.split(r'^@(\w+):', text, flags=re.M)
    title = TITLE.match(one_line(parts[0].strip()))
    if not title:
        return []
    out = ['', f'**{title[1]} {plain(title[2])}**: {plain(title[3])}', '']
    rest = []
    for name, said in zip(parts[1::2], parts[2::2]):
        # A field's text ends with an empty line; what follows is about all of it.
        first, *more = re.split(r'\n\s*\n', said, maxsplit=1)
        out += [f'``{name}``', f'    {plain(one_line(first.strip()))}', '']
        rest += more
    for p in paragraphs(rest):
        out += [plain(one_line(p)), '']
    return out


def table(text):
    """A paragraph of lines NAME, spaces, meaning."""
    return all(re.match(r'\S+ {2,}\S|\s{6,}', line) for line in text.split('\n'))


def introduction(lines):
    out = []
    for p in paragraphs(lines):
        if table(p):
            out += ['::', ''] + ['    ' + line for line in p.split('\n')] + ['']
        else:
            out += [plain(one_line(p)), '']
    return out


class Uapi(Directive):
    required_arguments = 1

    def run(self):
        env = self.state.document.settings.env
        path = os.path.join(env.srcdir, self.arguments[0])
        env.note_dependency(path)
        with open(path, encoding='utf-8') as f:
            source = f.read()
        rst, first = [], True
        for m in COMMENT.finditer(source):
            if m[1]:
                rst += document(body_of(m[2]))
            elif first:
                rst += introduction(body_of(m[2]))
            first = False
        node = nodes.section()
        node.document = self.state.document
        self.state.nested_parse(StringList(rst, source=path), 0, node)
        return node.children


def setup(app):
    app.add_directive('uapi', Uapi)
    return {'parallel_read_safe': True}
