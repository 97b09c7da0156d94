# SPDX-License-Identifier: GPL-2.0
"""What a benchmark found, in the form that bench/report reads.

A file of JSON is {"benchmark", "kernel", "rows": [...]}, and whatever else its
benchmark likes to keep. A row is a dictionary:

    key     names it for good: a comparison over time finds it by that
    title   for people
    group   rows of a group share a table and a chart
    unit    of value and peer: "ticks", "instructions", "frames/s"...
    value   what was measured, ours
    peer    the same for whom we stand beside, or None
    beside  the peer's name, or None
    ratio   value to peer (or, of a rate, what is named in the group), or None
    aim     what the ratio should not be above; "more" rows: not below; or None
    more    true if more is better
"""

import json
import sys


def row(group, key, title, unit, value, *, beside=None, peer=None, ratio=None, aim=None,
        more=False):
    """One row; without a ratio of its own it is value to peer."""
    if ratio is None and peer:
        ratio = value / peer
    return {'group': group, 'key': key, 'title': title, 'unit': unit, 'value': value,
            'beside': beside, 'peer': peer,
            'ratio': None if ratio is None else round(ratio, 4), 'aim': aim, 'more': more}


def met(r):
    """Is the aim met? None if there is none."""
    if r['aim'] is None or r['ratio'] is None:
        return None
    return r['ratio'] >= r['aim'] if r['more'] else r['ratio'] <= r['aim']


def write(path, benchmark, kernel, rows, **more):
    """Leave it at path, and say so."""
    with open(path, 'w') as f:
        json.dump({'benchmark': benchmark, 'kernel': kernel, 'rows': rows, **more}, f, indent=1)
        f.write('\n')
    print(f'bench: the same as JSON: {path}', file=sys.stderr, flush=True)
